"""The `prepay sts` command: check vectors, make tokens, read them, explain them."""
