"""The meter's journal: everything that must survive, in two rings on the "state" partition.

A snapshot holds the whole business state in one record, so a token's acceptance and its credit
can never separate. Between snapshots a small energy record is appended each 10 Wh; it counts only
if it refers to the newest snapshot.
"""

from firmware.meter.ring import Ring, StorageFault

SECTORS = 16
SNAPSHOT_SIZE = 1024
ENERGY_RECORD_SIZE = 32
_SNAPSHOT_SECTORS = 8


class JournalFault(StorageFault):
    """The journal is empty or damaged; the meter must be provisioned again."""


class Journal:
    """Stores one state object and the energy used since.

    The state packs itself: `pack_into(buffer)` and `unpack_from(buffer)` use bytes 4 to 1019,
    `pack_energy(buffer, snapshot)` and `unpack_energy(buffer)` bytes 4 to 27, of which the first
    four are the serial number of the snapshot (`energy_snapshot(buffer)` reads them).

    Args:
        device: the "state" partition, a block device of >= 16 sectors of 4096 bytes.
    """

    def __init__(self, device):
        self._snapshots = Ring(device, 0, _SNAPSHOT_SECTORS, SNAPSHOT_SIZE)
        self._energy = Ring(
            device, _SNAPSHOT_SECTORS, SECTORS - _SNAPSHOT_SECTORS, ENERGY_RECORD_SIZE
        )
        self._snapshot = bytearray(SNAPSHOT_SIZE)
        self._record = bytearray(ENERGY_RECORD_SIZE)

    @property
    def serial(self):
        """Serial number of the newest snapshot."""
        return self._snapshots.serial

    def format(self):
        """Erase both rings; only provisioning does this."""
        self._snapshots.format()
        self._energy.format()

    def load(self, state):
        """Fill `state` with the newest snapshot and the energy used since.

        Raises:
            JournalFault: there is no valid snapshot, or energy records refer to one that is
                newer than any found: then the newest is damaged, and going back to an older one
                would let used tokens in again.
        """
        newest = self._snapshots.mount(self._snapshot)
        if not newest:
            raise JournalFault("the journal holds no valid snapshot")
        state.unpack_from(self._snapshot)
        if not self._energy.mount(self._record):
            return
        refers_to = state.energy_snapshot(self._record)
        if refers_to > newest:
            raise JournalFault("the newest snapshot is damaged")
        if refers_to == newest:
            state.unpack_energy(self._record)

    def save(self, state):
        """Append a snapshot of `state` and read it back.

        Raises:
            StorageFault: it could not be stored; the state in memory counts for nothing then
                (load it again).
        """
        state.pack_into(self._snapshot)
        self._snapshots.append(self._snapshot)

    def save_energy(self, state):
        """Append an energy record of `state` and read it back.

        Raises:
            StorageFault: it could not be stored.
        """
        state.pack_energy(self._record, self._snapshots.serial)
        self._energy.append(self._record)

    def prepare(self):
        """Erase at most one sector ahead of need; call it when there is time (80 ms on flash).

        Returns:
            True if something was erased or checked, False if there was nothing to do.
        """
        for ring in (self._snapshots, self._energy):
            if ring.needs_preparing():
                ring.prepare()
                return True
        return False
