"""Any history: after each step the ledger is whole and every figure follows from it."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.extra.django import TestCase
from hypothesis.stateful import run_state_machine_as_test

from headend.tests.engine_debts import Debts
from headend.tests.engine_exchange import Exchange
from headend.tests.engine_replacements import Replacements
from headend.tests.engine_supply import Supply

pytestmark = pytest.mark.slow


class Everything(Supply, Replacements, Debts, Exchange):
    """All that can happen."""


class TestEngine(TestCase):
    """Runs the machine inside a database that forgets."""

    def test_any_history(self) -> None:
        run_state_machine_as_test(
            Everything,
            settings=settings(
                max_examples=6,
                stateful_step_count=25,
                deadline=None,
                # A history of 25 steps is short enough to read; to shorten it takes many minutes.
                phases=(Phase.explicit, Phase.reuse, Phase.generate),
                report_multiple_bugs=False,
            ),
        )
