"""What happened that the audit record does not tell of, kept until other programs are told."""
