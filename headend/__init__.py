"""The head-end: vending management, management server and fleet gateway (Django)."""
