"""STS application layer (IEC 62055-41 ed. 3): the same files run in head-end and meter."""
