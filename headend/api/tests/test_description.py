"""schemathesis attacks every operation by its own published description."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from headend.accounts.services import console_user
from headend.api import service
from headend.api.keys import create_key
from headend.api.scopes import SCOPES
from headend.testing import NOON, make_supply

pytestmark = pytest.mark.any_database

schemathesis_schema = schemathesis.openapi.from_dict(service.api.get_openapi_schema())
schemathesis_schema.app = WSGIHandler()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Have requests end without closing the connection, whose transaction is the test's."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def key(one_connection: None, db: None, at_noon: None, caplog: pytest.LogCaptureFixture) -> str:
    caplog.set_level(logging.CRITICAL, logger="django.request")  # thousands of refusals
    make_supply()
    return create_key(
        program="attacker",
        name="for a test",
        scopes=SCOPES,
        by=console_user(),
        at=NOON,
        expires_at=NOON + timedelta(days=1),
    ).text


@schemathesis_schema.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_no_fault_and_nothing_undescribed(case: Any, key: str) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {key}"},
        # What is well-formed may still be refused: a meter number has a check digit.
        excluded_checks=[positive_data_acceptance],
    )
