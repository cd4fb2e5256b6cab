"""A panel that serves one meter, and how to knock at its door."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from tools.panel.server import Exhibit, make_application
from tools.simulate import SimulatedMeter

KEY = "the-access-key"
DRN = "04100000016"


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[SimulatedMeter]:
    """A meter without power, so that no firmware runs."""
    meter = SimulatedMeter(tmp_path / DRN, "split")
    yield meter
    meter.close()


@pytest.fixture
def address(meter: SimulatedMeter) -> Iterator[str]:
    """Where the panel answers: host and port."""
    application = make_application([Exhibit(DRN, "Thandi Mokoena", meter)], KEY)
    config = uvicorn.Config(application, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
