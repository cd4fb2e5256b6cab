"""Events that the audit record does not contain, kept until other programs are told."""
