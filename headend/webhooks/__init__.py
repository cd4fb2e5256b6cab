"""Sends signed events to other programs, at least once."""
