"""A program with a key, and a way to call the API with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from headend.accounts.services import console_user
from headend.api.keys import create_key
from headend.api.models import ApiKey
from headend.api.scopes import SCOPES
from headend.customers.models import SupplyAgreement
from headend.testing import NOON, make_supply


class Program:
    """Calls the API as a program with a key would."""

    def __init__(self, key: ApiKey, text: str) -> None:
        self.key = key
        self.text = text
        self._client = Client(headers={"authorization": f"Bearer {text}"})

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(f"/api/v1{path}", query)

    def post(self, path: str, body: Any) -> Any:
        return self._client.post(
            f"/api/v1{path}", json.dumps(body), content_type="application/json"
        )

    def put(self, path: str, body: Any) -> Any:
        return self._client.put(
            f"/api/v1{path}", json.dumps(body), content_type="application/json"
        )


@pytest.fixture
def program(db: None, at_noon: None) -> Callable[..., Program]:
    """Make a program with a key: all scopes unless named, a name of its own, limits."""

    def make(*scopes: str, name: str = "bank", **limits: Any) -> Program:
        made = create_key(
            program=name,
            name="for a test",
            scopes=scopes or SCOPES,
            by=console_user(),
            at=NOON,
            expires_at=NOON + timedelta(days=30),
            **limits,
        )
        return Program(made.key, made.text)

    return make


@pytest.fixture
def supply(db: None) -> SupplyAgreement:
    return make_supply()


def code_of(response: HttpResponse) -> str:
    """Return the code of a problem, after checking that it is one."""
    assert response.headers["Content-Type"] == "application/problem+json"
    facts: dict[str, Any] = json.loads(response.content)
    assert facts["status"] == response.status_code
    assert facts["detail"]
    code: str = facts["code"]
    return code


@pytest.fixture
def code() -> Callable[[HttpResponse], str]:
    return code_of
