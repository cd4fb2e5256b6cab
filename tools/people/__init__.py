"""People and their groups from the machine itself."""
