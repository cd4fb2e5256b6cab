"""Any history: after each step the ledger is whole and every figure follows from it."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.extra.django import TestCase
from hypothesis.stateful import run_state_machine_as_test

from headend.tests.engine_debts import Debts
from headend.tests.engine_tokens import Tokens

pytestmark = pytest.mark.slow


class Everything(Tokens, Debts):
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
                phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
            ),
        )
