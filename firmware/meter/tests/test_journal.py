"""The journal under power cuts, worn flash and damage; runs on CPython and on MicroPython."""

import struct
import sys

from firmware.meter.journal import ENERGY_RECORD_SIZE, SECTORS, Journal, JournalFault
from firmware.meter.ring import StorageFault
from firmware.meter.tests.flash import SECTOR_SIZE, Flash, PowerCut

# All cut points on CPython; on MicroPython some of them.
_WHOLE = sys.implementation.name == "cpython"


class Register:
    """The smallest state worth a journal: a credit, what was used, and the last token taken."""

    def __init__(self):
        self.credit = self.used = self.token = 0

    def pack_into(self, buffer):
        struct.pack_into("<iII", buffer, 4, self.credit, self.used, self.token)
        for index in range(16, len(buffer) - 4):
            buffer[index] = (index * 7 + self.token) & 0xFF

    def unpack_from(self, buffer):
        self.credit, self.used, self.token = struct.unpack_from("<iII", buffer, 4)

    def pack_energy(self, buffer, snapshot):
        struct.pack_into("<IiI", buffer, 4, snapshot, self.credit, self.used)

    def energy_snapshot(self, buffer):
        return struct.unpack_from("<I", buffer, 4)[0]

    def unpack_energy(self, buffer):
        self.credit, self.used = struct.unpack_from("<iI", buffer, 8)

    def values(self):
        return (self.credit, self.used, self.token)


def take_token(journal, register):
    """The token path: 1000 Wh more and the token remembered, in one record."""
    register.token += 1
    register.credit += 1000
    journal.save(register)


def use_energy(journal, register):
    """The tick path: 10 Wh used."""
    register.used += 10
    register.credit -= 10
    journal.save_energy(register)


def prepare(journal, register):
    """The idle path: erase ahead."""
    journal.prepare()


def loaded(flash):
    """What a meter finds after power comes back."""
    journal, register = Journal(flash), Register()
    journal.load(register)
    return journal, register


def a_flash(tokens=1, energy_records=0):
    """A formatted flash with a history."""
    flash = Flash(SECTORS)
    journal, register = Journal(flash), Register()
    journal.format()
    for _ in range(tokens):
        take_token(journal, register)
    for _ in range(energy_records):
        use_energy(journal, register)
    return flash


def sweep(flash, operation):
    """Cut power at each byte that `operation` writes or erases; return how many cuts there were.

    Whatever the cut, the meter finds the state before or the state after, never anything else,
    and goes on from there: the next token and the next energy record count once.
    """
    image = bytes(flash.image)
    journal, register = loaded(flash)
    before = register.values()
    touched = flash.power.touched
    operation(journal, register)
    after = register.values()
    touched = flash.power.touched - touched
    for cut in range(0, touched, 1 if _WHOLE else 1 + touched // 40):
        flash.image[:] = image
        flash.power.cut_after = None
        journal, register = loaded(flash)
        flash.power.cut_after = cut
        try:
            operation(journal, register)
            raise AssertionError("power was not cut")
        except PowerCut:
            pass
        flash.power.cut_after = None
        journal, register = loaded(flash)
        found = register.values()
        assert found in (before, after), (cut, before, found, after)
        if _WHOLE and touched > 1024 and cut % 16:
            continue
        take_token(journal, register)
        use_energy(journal, register)
        expected = (found[0] + 990, found[1] + 10, found[2] + 1)
        assert loaded(flash)[1].values() == expected, (cut, expected)
    return touched


def test_an_empty_or_unreadable_journal_is_a_fault():
    for flash in (Flash(SECTORS), Flash(SECTORS, b"\x5a" * (SECTORS * SECTOR_SIZE))):
        try:
            loaded(flash)
            raise AssertionError("a journal was found where none is")
        except JournalFault:
            pass


def test_the_newest_record_is_found_wherever_the_rings_stand():
    flash = a_flash()
    journal, register = loaded(flash)
    for _ in range(75):
        take_token(journal, register)
        for _ in range(31):
            use_energy(journal, register)
        assert loaded(flash)[1].values() == register.values()


def test_energy_records_of_an_older_snapshot_do_not_count():
    flash = a_flash(tokens=1, energy_records=5)
    journal, register = loaded(flash)
    take_token(journal, register)
    assert loaded(flash)[1].values() == (2000 - 50, 50, 2)


def test_cuts_while_a_token_is_taken():
    # In the last slot of a sector, and round the ring, where the next sector must be erased.
    assert sweep(a_flash(3), take_token) == 1024
    assert sweep(a_flash(36), take_token) == 1024 + SECTOR_SIZE


def test_cuts_while_energy_is_recorded():
    assert sweep(a_flash(1, 127), use_energy) == ENERGY_RECORD_SIZE
    assert sweep(a_flash(1, 1024), use_energy) == ENERGY_RECORD_SIZE + SECTOR_SIZE


def test_cuts_while_erasing_ahead():
    assert sweep(a_flash(33), prepare) == SECTOR_SIZE


def test_prepared_sectors_leave_nothing_to_erase_on_the_token_path():
    flash = a_flash(33, 1024)
    journal, register = loaded(flash)
    while journal.prepare():
        pass
    for _ in range(4):
        touched = flash.power.touched
        take_token(journal, register)
        assert flash.power.touched - touched == 1024


def test_a_worn_slot_is_passed_over():
    flash = a_flash(1)
    journal, register = loaded(flash)
    flash.worn = 1024 + 100
    take_token(journal, register)
    use_energy(journal, register)
    assert loaded(flash)[1].values() == register.values() == (1990, 10, 2)


def test_flash_that_no_longer_writes_is_a_fault_and_changes_nothing():
    flash = a_flash(1, 3)
    journal, register = loaded(flash)
    before = register.values()
    flash.dead = True
    for operation in (take_token, use_energy):
        try:
            operation(journal, register)
            raise AssertionError("stored on dead flash")
        except StorageFault:
            pass
    assert loaded(flash)[1].values() == before


def test_losing_the_newest_snapshot_is_noticed():
    flash = a_flash(3, 1)
    flash.image[2 * 1024 + 50] ^= 1
    try:
        loaded(flash)
        raise AssertionError("an older snapshot was taken for the newest")
    except JournalFault:
        pass


def test_a_damaged_energy_record_costs_one_record():
    flash = a_flash(1, 9)
    flash.image[8 * SECTOR_SIZE + 8 * ENERGY_RECORD_SIZE + 9] ^= 0x40
    assert loaded(flash)[1].values() == (1000 - 80, 80, 1)
