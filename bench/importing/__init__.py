"""The parts of the import benchmark."""
