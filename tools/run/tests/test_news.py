"""Messages to consumers reach the console of `make run`, once each."""

from __future__ import annotations

from pathlib import Path

import pytest

from headend.notifications.carriers import ConsoleCarrier
from headend.notifications.models import Notification
from tools.run.news import News

OLD = "[notification to Thandi] Credit is low: of last time\n"


def test_only_whole_new_messages_are_told(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(OLD)
    told: list[str] = []
    news = News(log, told.append)
    with log.open("a") as file:
        file.write("2026-11-21 INFO connected\n[notification to Pieter] Credit is low: 4.9")
        file.flush()
        news.look()
        assert told == []
        file.write(" kWh left\n")
    news.look()
    news.look()
    assert told == ["[notification to Pieter] Credit is low: 4.9 kWh left"]


def test_a_log_that_comes_later_is_told_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    told: list[str] = []
    news = News(log, told.append)
    news.look()
    log.write_text(OLD)
    news.look()
    assert told == [OLD.rstrip()]


def test_what_the_head_end_prints_is_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ConsoleCarrier().deliver(Notification(recipient="Zoë", subject="Low", body="4.9 kWh left"))
    log = tmp_path / "gateway.log"
    told: list[str] = []
    news = News(log, told.append)
    log.write_text(capsys.readouterr().out)
    news.look()
    assert told == ["[notification to Zoë] Low: 4.9 kWh left"]
