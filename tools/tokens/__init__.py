"""`prepay token`: tokens that are no sale, and one meter's key."""
