"""Template tags of people and their approvals."""
