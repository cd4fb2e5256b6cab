"""Helpers for the test suites: running tests inside MicroPython and finding optional parts."""
