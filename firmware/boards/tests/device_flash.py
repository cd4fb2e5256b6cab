"""Simulated flash and clock. Runs inside MicroPython on the simulated board."""

import micropython
from esp32 import Partition

_BUFFER = bytearray(100)


def _partition():
    return Partition.find(Partition.TYPE_DATA, label="state")[0]


def _read(partition, block, length, offset=0):
    octets = bytearray(length)
    partition.readblocks(block, octets, offset)
    return bytes(octets)


def test_a_new_partition_is_blank_and_has_its_size():
    partition = _partition()
    assert partition.ioctl(4, 0) == 16
    assert partition.ioctl(5, 0) == 4096
    assert _read(partition, 15, 16, 4080) == b"\xff" * 16
    assert Partition.find(Partition.TYPE_DATA, label="profile")[0].ioctl(4, 0) == 32
    assert Partition.find(Partition.TYPE_DATA, label="other") == []


def test_programming_only_clears_bits_and_erasing_sets_them():
    partition = _partition()
    partition.ioctl(6, 2)
    partition.writeblocks(2, b"\xf0" * 100, 10)
    partition.writeblocks(2, b"\x3c\xff", 10)
    assert _read(partition, 2, 4, 9) == b"\xff\x30\xf0\xf0"
    assert _read(partition, 2, 2, 109) == b"\xf0\xff"
    partition.ioctl(6, 2)
    assert _read(partition, 2, 200) == b"\xff" * 200


def test_writing_whole_blocks_erases_them_first():
    partition = _partition()
    partition.writeblocks(4, b"\x00" * 8, 0)
    partition.writeblocks(4, b"\x5a" * 4096)
    assert _read(partition, 4, 8) == b"\x5a" * 8
    assert _read(partition, 5, 1) == b"\xff"


def test_reading_writing_and_erasing_work_with_the_heap_locked():
    partition = _partition()
    partition.ioctl(6, 3)
    digits = b"0123456789" * 10
    micropython.heap_lock()
    try:
        partition.writeblocks(3, digits, 200)
        partition.readblocks(3, _BUFFER, 200)
        partition.ioctl(6, 6)
    finally:
        micropython.heap_unlock()
    assert bytes(_BUFFER) == digits


def test_a_filesystem_lives_on_it():
    import vfs

    partition = Partition.find(Partition.TYPE_DATA, label="profile")[0]
    vfs.VfsLfs2.mkfs(partition)
    vfs.mount(vfs.VfsLfs2(partition), "/flash")
    with open("/flash/note", "w") as note:
        note.write("kept")
    vfs.umount("/flash")
    vfs.mount(vfs.VfsLfs2(partition), "/flash")
    with open("/flash/note") as note:
        assert note.read() == "kept"
    vfs.umount("/flash")
