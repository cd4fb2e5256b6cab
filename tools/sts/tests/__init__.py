"""Tests of the `prepay sts` command."""
