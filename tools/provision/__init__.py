"""Makes a meter of its own out of blank flash: identity, keys and settings, written once."""
