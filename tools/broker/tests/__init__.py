"""Tests of the broker helpers."""
