"""MQTT brokers that the tools and tests start: the embedded one, and places to bind them to."""
