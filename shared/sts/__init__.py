"""STS application layer (IEC 62055-41): identifiers, ciphers, tokens and their processing."""
