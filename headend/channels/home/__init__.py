"""The first page after logging in, which leads everybody to their work."""
