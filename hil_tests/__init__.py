"""QA's hardware-in-the-loop tests: the same cases on a simulated rig or a real board."""
