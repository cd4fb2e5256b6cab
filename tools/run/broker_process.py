"""The embedded MQTT broker as a program of its own: `python -m tools.run.broker_process PORT`."""

from __future__ import annotations

import signal
import sys

from tools.broker.embedded import start_embedded_broker


def main() -> None:
    """Serve on 127.0.0.1 until told to end."""
    wanted = {signal.SIGTERM, signal.SIGINT}
    with start_embedded_broker(int(sys.argv[1])):
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)  # only now: its child would inherit it
        signal.sigwait(wanted)


if __name__ == "__main__":
    main()
