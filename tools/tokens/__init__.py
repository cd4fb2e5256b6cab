"""`prepay token`: engineering tokens, and one meter's key."""
