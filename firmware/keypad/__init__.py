"""The keypad unit (customer interface unit): keys, display, buzzer and lamps."""
