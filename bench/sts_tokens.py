"""Making and reading tokens: time and memory on CPython and on each MicroPython."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from bench.result import Result
from tools import interpreters

ROUNDS = 15
PROGRAM = interpreters.REPOSITORY / "bench" / "peers" / "sts_tokens.py"
BLOCK_LIMIT_US = 25
TOKEN_LIMIT_BYTES = 4096

Measured = dict[str, tuple[list[float], int | None]]


def measure_on(interpreter: str, rounds: int) -> Measured:
    """Return what `peers/sts_tokens.py` measured on one interpreter, by name.

    Args:
        interpreter: "cpython", or a name that `tools.interpreters` knows.
        rounds: how many interleaved rounds are timed.

    Raises:
        InterpreterMissing: it is not on this machine.
    """
    arguments = [str(PROGRAM), str(rounds)]
    if interpreter == "cpython":
        done = subprocess.run(
            [sys.executable, "-m", "bench.peers.sts_tokens", str(rounds)],
            cwd=interpreters.REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    else:
        done = interpreters.run(interpreter, arguments)
    if done.returncode:
        raise RuntimeError(f"measuring on {interpreter} failed: {done.stderr or done.stdout}")
    return {name: (times, size) for name, (times, size) in json.loads(done.stdout).items()}


def rows(interpreter: str, measured: Measured, rounds: int) -> list[Result]:
    """Return the benchmark's rows for one interpreter."""
    peer = {
        "decode": ("one block in plain integers", median(measured["plain_ea07"][0])),
        "encode": ("one block in plain integers", median(measured["plain_encrypt_ea07"][0])),
    }
    listed = []
    for name, (times, size) in measured.items():
        action, _, ea = name.rpartition("_")
        if action in peer:
            # The peer is EA07; EA11 is another cipher and stands alone.
            against, reference = peer[action] if ea == "ea07" else ("", None)
            listed.append(
                Result(
                    f"sts_{name}_{interpreter}", median(times), "us", against, reference, rounds
                )
            )
            if size is not None:
                listed.append(
                    Result(
                        f"sts_{name}_{interpreter}_memory",
                        size,
                        "bytes",
                        "limit",
                        TOKEN_LIMIT_BYTES,
                        1,
                    )
                )
        elif interpreter == "cpython" and ea == "ea07" and action.startswith("block"):
            listed.append(
                Result(f"sts_{name}_cpython", median(times), "us", "limit", BLOCK_LIMIT_US, rounds)
            )
    return listed


def run() -> list[Result]:
    """Measure on every interpreter that this machine has."""
    listed: list[Result] = []
    for interpreter in ("cpython", *interpreters.INTERPRETERS):
        try:
            measured = measure_on(interpreter, ROUNDS)
        except interpreters.InterpreterMissing as error:
            print(f"  not measured on {interpreter}: {error}")
            continue
        listed += rows(interpreter, measured, ROUNDS)
    return listed
