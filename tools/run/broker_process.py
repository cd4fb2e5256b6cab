"""The embedded MQTT broker as a program of its own: `python -m tools.run.broker_process PORT`."""

from __future__ import annotations

import signal
import sys

from tools.broker.embedded import start_embedded_broker

LOOK_AGAIN_S = 0.5


def main() -> int:
    """Serve on 127.0.0.1 until told to end.

    Returns:
        Exit status: 0 when told to, 1 when the broker died by itself, so that whoever watches
        this program starts it again.
    """
    wanted = {signal.SIGTERM, signal.SIGINT}
    with start_embedded_broker(int(sys.argv[1])) as broker:
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)  # only now: its child would inherit it
        print(f"serving on {broker.url}", flush=True)
        while broker.running:
            if signal.sigtimedwait(wanted, LOOK_AGAIN_S) is not None:
                return 0
    print("the broker's process has died", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
