"""Chooses the rig, and hands each test a fresh device on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.rigs import NO_BOARD_RIG, RIGS, Rig
from tools.broker.embedded import EmbeddedBroker, start_embedded_broker


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare --rig."""
    parser.addoption(
        "--rig",
        default="simulated",
        help="what the tests in hil_tests/ run on: simulated (the default)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a rig that is not there before any test runs."""
    if config.getoption("--rig") not in RIGS:
        raise pytest.UsageError(NO_BOARD_RIG)


@pytest.fixture(scope="session")
def hil_broker() -> Iterator[EmbeddedBroker]:
    """A broker for all devices under test."""
    with start_embedded_broker() as broker:
        yield broker


@pytest.fixture
def make_rig(tmp_path: Path, hil_broker: EmbeddedBroker) -> Iterator[Callable[..., Rig]]:
    """Make a powered rig with a board, a credit and settings of the test's choice."""
    made: list[Rig] = []

    def make(**options: Any) -> Rig:
        rig = Rig(tmp_path, hil_broker.port, **options)
        made.append(rig)
        return rig.power_on()

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A combined meter without credit."""
    return make_rig()
