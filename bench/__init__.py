"""Benchmarks against peers and limits; run with `make bench`."""
