"""What benchmarks compare with, and what they run inside other interpreters."""
