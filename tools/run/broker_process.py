"""The embedded MQTT broker as a program of its own: `python -m tools.run.broker_process PORT`."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from tools.broker.embedded import start_embedded_broker

LOOK_AGAIN_S = 0.5


def main() -> int:
    """Serve on 127.0.0.1 until told to end.

    Returns:
        Exit status: 0 when told to, 1 when the broker died by itself, so that whoever watches
        this program starts it again.
    """
    with start_embedded_broker(int(sys.argv[1])) as broker:
        for told in (signal.SIGTERM, signal.SIGINT):  # only now: its child would inherit them
            signal.signal(told, _end)
        print(f"serving on {broker.url}", flush=True)
        # Not signal.sigtimedwait: stopped (Ctrl-Z) and continued later than its time-out, it
        # returns in CPython as if one of its signals had come.
        while broker.running:
            time.sleep(LOOK_AGAIN_S)
    print("the broker's process has died", file=sys.stderr)
    return 1


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
