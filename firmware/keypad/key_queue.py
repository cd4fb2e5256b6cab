"""Keys pressed and not yet taken by the meter. Pure: numbers in, bytes out."""

from shared.wire.keypad_messages import MOST_KEYS


class KeyQueue:
    """Numbers each key of this power-up, so that the meter can count it exactly once.

    Attributes:
        boot_id: four random bytes of this power-up.
    """

    def __init__(self, boot_id):
        self.boot_id = boot_id
        self._keys = bytearray()
        self._first = 1  # sequence number of the first key in _keys, 0..65535

    def press(self, key):
        """Take a key (a character); returns False, and drops it, if the meter lags far behind."""
        if len(self._keys) >= MOST_KEYS:
            return False
        self._keys.append(ord(key))
        return True

    def waiting(self):
        """Return (sequence number of the first key, the keys as bytes) for a KEYS answer."""
        return self._first, bytes(self._keys)

    def taken(self, boot_id, sequence):
        """Forget the keys that the meter says it has taken.

        Args:
            boot_id: the power-up the meter speaks of; another one's numbers mean nothing here.
            sequence: number of the last key taken.
        """
        if boot_id != self.boot_id:
            return
        count = (sequence - self._first + 1) & 0xFFFF
        if count <= len(self._keys):
            self._drop(count)

    def clear(self):
        """Forget all keys: nobody was there to take them."""
        self._drop(len(self._keys))

    def _drop(self, count):
        self._keys = self._keys[count:]
        self._first = (self._first + count) & 0xFFFF
