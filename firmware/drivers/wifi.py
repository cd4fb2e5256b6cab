"""Wi-Fi station: brought up once, and again when it drops. Nothing waits for it."""


class WiFi:
    """Keeps a station connected."""

    def __init__(self, wlan):
        """Hand over a network.WLAN in station mode."""
        self._wlan = wlan
        self._credentials = ("", "")

    def start(self, name, password):
        """Power the radio and begin to connect; returns at once.

        Args:
            name, password: of the access point.
        """
        self._credentials = (name, password)
        self._wlan.active(True)
        self._wlan.connect(name, password)

    def is_up(self):
        """Return whether there is a network now."""
        return self._wlan.isconnected()

    def retry(self):
        """Connect anew; for a caller that found the network down for some time."""
        self._wlan.disconnect()
        self._wlan.connect(*self._credentials)
