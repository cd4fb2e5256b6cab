"""Numbering and forgetting of keys."""

from firmware.keypad.key_queue import KeyQueue


def _queue(keys="", boot_id=b"boot"):
    queue = KeyQueue(boot_id)
    for key in keys:
        assert queue.press(key)
    return queue


def test_keys_wait_until_the_meter_has_taken_them():
    queue = _queue("123")
    assert queue.waiting() == (1, b"123")
    queue.taken(b"boot", 2)
    assert queue.waiting() == (3, b"3")
    queue.taken(b"boot", 2)
    assert queue.waiting() == (3, b"3")
    queue.taken(b"boot", 3)
    assert queue.waiting() == (4, b"")


def test_numbers_of_another_power_up_or_out_of_range_mean_nothing():
    queue = _queue("123")
    queue.taken(b"othr", 2)
    queue.taken(b"boot", 9)
    queue.taken(b"boot", 65500)
    assert queue.waiting() == (1, b"123")


def test_a_full_queue_refuses_keys_instead_of_losing_older_ones():
    queue = _queue("0123456789012345")
    assert not queue.press("6")
    assert queue.waiting() == (1, b"0123456789012345")


def test_numbers_wrap_after_65535():
    queue = _queue()
    for _ in range(65520 // 16):
        for key in "0123456789012345":
            queue.press(key)
        queue.taken(b"boot", queue.waiting()[0] + 15)
    for key in "abcdefghijklmnop":
        queue.press(key)
    assert queue.waiting() == (65521, b"abcdefghijklmnop")
    queue.taken(b"boot", 65534)
    assert queue.waiting() == (65535, b"op")
    queue.taken(b"boot", 65535)
    assert queue.waiting() == (0, b"p")
    queue.taken(b"boot", 0)
    assert queue.waiting() == (1, b"")


def test_cleared_keys_keep_their_numbers_to_themselves():
    queue = _queue("12")
    queue.clear()
    assert queue.waiting() == (3, b"")
    queue.press("7")
    assert queue.waiting() == (3, b"7")
