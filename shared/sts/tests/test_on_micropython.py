"""Runs the plain test modules inside each MicroPython, one with the heap of a device."""

from collections.abc import Callable


def test_rules_and_decoder_inside_micropython(run_on_micropython: Callable[..., str]) -> None:
    output = run_on_micropython("shared.sts.tests.test_rules", "shared.sts.tests.test_decoder")
    assert " 0 failed" in output


def test_the_decoder_in_the_heap_of_a_device(
    run_on_micropython: Callable[..., str], interpreter: str
) -> None:
    # A word is twice as long on 64 bits, and so is nearly everything in the heap.
    heap = "110K" if interpreter == "micropython32" else "220K"
    output = run_on_micropython("shared.sts.tests.test_decoder", heap=heap)
    assert " 0 failed" in output
