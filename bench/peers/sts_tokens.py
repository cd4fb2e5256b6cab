"""Times tokens and ciphers on the interpreter it runs on, CPython or MicroPython.

Usage: INTERPRETER sts_tokens.py ROUNDS; prints JSON of name -> [microseconds each round, bytes].
"""

import gc
import json
import sys
import time

from bench.peers import plain_sta as plain
from shared.sts import decoder, generation, result
from shared.sts.cipher import make_cipher

_KEY = bytes.fromhex("87f3ecbb2e46b48f")
_KEY_128 = bytes.fromhex("929bd3a415c9420a05ec5ee9f3ce91c3")
_BLOCK = bytes.fromhex("05014eec00013188")
_CALLS = 20


def works():
    """Return (name, function without arguments) of everything measured."""
    listed = [
        ("plain_ea07", lambda: plain.decrypt(_KEY, _BLOCK)),
        ("plain_encrypt_ea07", lambda: plain.encrypt(_KEY, _BLOCK)),
    ]
    for ea, key, digits in (
        (7, _KEY, "70630503470028726114"),
        (11, _KEY_128, "58625789986991357486"),
    ):
        cipher = make_cipher(ea, key)
        state = decoder.DecoderState(ea=ea, decoder_key=key)
        listed += _works_of(f"ea{ea:02d}", cipher, state, digits)
    return listed


def _works_of(label, cipher, state, digits):
    if decoder.validate(state, digits)[0] != result.ACCEPT:
        raise ValueError("the token to decode is not accepted")
    return [
        (f"decode_{label}", lambda: decoder.validate(state, digits)),
        (f"encode_{label}", lambda: generation.credit(cipher, units=1, tid=85740, rnd=5)),
        (f"block_decrypt_{label}", lambda: cipher.decrypt(_BLOCK)),
        (f"block_encrypt_{label}", lambda: cipher.encrypt(_BLOCK)),
    ]


def _microseconds(work):
    # MicroPython has no perf_counter; its time_ns is fine enough for twenty calls.
    now = getattr(time, "perf_counter_ns", time.time_ns)
    started = now()
    for _ in range(_CALLS):
        work()
    return (now() - started) / 1000 / _CALLS


def _allocated(work):
    """Return the bytes of heap that one call takes, used up or not; None on CPython."""
    if not hasattr(gc, "mem_alloc"):
        return None
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken


def measure(rounds):
    """Return name -> [times of the interleaved rounds in microseconds, bytes allocated]."""
    listed = works()
    measured = {}
    for name, work in listed:
        work()
        measured[name] = [[], _allocated(work)]
    for _ in range(rounds):
        for name, work in listed:
            gc.collect()
            measured[name][0].append(_microseconds(work))
    return measured


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
