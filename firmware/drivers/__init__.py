"""Drivers for chips and parts; each takes its bus or pins from the board."""
