"""Tariffs from the command line: checking worked purchases."""
