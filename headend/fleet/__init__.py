"""The MQTT head-end: commands and their delivery, readings, events and presence of meters."""
