"""Checks of the audit record from the command line."""
