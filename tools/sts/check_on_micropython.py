"""Runs inside MicroPython: a vector and its decoder keys a line in, what differs a line out."""

import json
import sys

from shared.sts import vectors


def main():
    """Answer every line of standard input with [differences, unknown fields]."""
    for line in sys.stdin:
        vector, keys = json.loads(line)
        try:
            answer = vectors.differences(vector, keys)
        except Exception as error:
            answer = [f"stopped by {type(error).__name__}: {error}"], []
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
