"""Shadows `network`: a Wi-Fi station whose access point the bench switches on and off."""

import bench_line

STA_IF = 0

_access_point = True


def _on_network(message):
    global _access_point
    _access_point = bool(message["network"])


bench_line.handlers["network"] = _on_network


class WLAN:
    """A Wi-Fi station; connected as soon as it was told to and the access point is there."""

    def __init__(self, interface=STA_IF):
        self._active = False
        self._wanted = False

    def active(self, on=None):
        """Power the radio up or down, or ask."""
        if on is not None:
            self._active = bool(on)
        return self._active

    def connect(self, name=None, password=None):
        """Begin to connect."""
        self._wanted = True

    def disconnect(self):
        """Leave the access point."""
        self._wanted = False

    def isconnected(self):
        """Whether the station has a network now."""
        return self._active and self._wanted and _access_point

    def config(self, *names, **settings):
        """Accept radio settings; a simulated radio has none."""

    def status(self, name=None):
        """Signal strength in dBm for "rssi"."""
        return -60
