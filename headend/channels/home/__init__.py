"""The first page after logging in: it leads everybody to their work."""
