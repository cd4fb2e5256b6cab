"""The parts of the vend benchmark: databases full of meters, the clients, and the bare peer."""
