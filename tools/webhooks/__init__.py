"""The command for webhooks."""
