"""Django's SQLite database whose writers take turns, in the order in which they came."""
