"""Tells other programs what happened: signed, at least once, to addresses they subscribed with."""
