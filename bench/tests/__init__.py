"""Tests of the benchmarks: their peers are what they say, and figures are reached."""
