"""Messages to people: an outbox in the database, delivered by apprise or shown on the console."""
