"""The meter and its keypad unit: MicroPython for an ESP32."""
