"""Background workers: they wait for a database that is away, and end together."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError

from headend.config import workers


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.django_db
def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "DATABASE_PAUSE_S", 0)
    monkeypatch.setattr(workers.connection, "close", lambda: None)
    stop = threading.Event()
    steps: list[int] = []

    def step() -> bool:
        steps.append(len(steps))
        if len(steps) == 1:
            raise OperationalError("gone")
        stop.set()
        return True

    workers.repeat(step, what="the test", stop=stop)
    assert steps == [0, 1]


@pytest.mark.django_db
def test_a_signal_ends_all() -> None:
    ended: list[str] = []

    def work(stop: threading.Event) -> None:
        assert stop.wait(10)
        ended.append(threading.current_thread().name)

    def tell(stop: threading.Event) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        work(stop)

    workers.run(one=work, other=tell)
    assert sorted(ended) == ["one", "other"]


@pytest.mark.django_db
def test_one_that_fails_ends_the_others_and_is_told() -> None:
    def work(stop: threading.Event) -> None:
        assert stop.wait(10)

    def fail(_: threading.Event) -> None:
        raise ValueError("no such table")

    with pytest.raises(workers.WorkerFailed, match="no such table"):
        workers.run(one=work, other=fail)
