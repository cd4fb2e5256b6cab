"""Tests of the STS layer; some modules run inside MicroPython too."""
