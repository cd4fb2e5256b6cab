"""Code shared by firmware and head-end; it runs unchanged on CPython and MicroPython."""
