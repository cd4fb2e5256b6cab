"""The prepay command and what installers, developers and testers run."""
