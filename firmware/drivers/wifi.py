"""Wi-Fi station: brought up once, and again when it drops. Nothing waits for it."""

from micropython import const

# Joining an access point takes some seconds; a new attempt would end the one under way.
_ATTEMPT_MS = const(15000)


class WiFi:
    """Keeps a station connected."""

    def __init__(self, wlan, ticks_ms, ticks_diff):
        """Hand over a network.WLAN in station mode and the clock functions of `time`."""
        self._wlan = wlan
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._tried_at = ticks_ms()
        self._credentials = ("", "")

    def start(self, name, password):
        """Power the radio and begin to connect; returns at once.

        Args:
            name, password: of the access point.
        """
        self._credentials = (name, password)
        self._wlan.active(True)
        self._connect()

    def is_up(self):
        """Return whether there is a network now."""
        return self._wlan.isconnected()

    def retry(self):
        """Connect anew, unless the last attempt is recent; call it while the network is down."""
        if self._ticks_diff(self._ticks_ms(), self._tried_at) >= _ATTEMPT_MS:
            self._wlan.disconnect()
            self._connect()

    def _connect(self):
        self._tried_at = self._ticks_ms()
        self._wlan.connect(*self._credentials)
