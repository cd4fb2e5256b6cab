"""`prepay campaign`: a new key for many meters."""
