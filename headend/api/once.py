"""Carries out a message once; the same message again gets the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from headend.accounts.models import User
from headend.api.errors import MessageReused
from headend.api.models import Answer, ApiKey
from headend.api.schemas import MessageIn


def once(
    *,
    program: User,
    message_id: str,
    request: dict[str, Any],
    at: datetime,
    act: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Act and keep the answer in one transaction, or give the answer kept before.

    Args:
        program: whose message it is; another program's ids are unknown to it.
        message_id: names the request for ever.
        request: what is asked, with the operation; the same id must stand for the same.
        at: now.
        act: does it and returns the answer, ready for JSON.

    Raises:
        MessageReused: the id stands for another request.
    """
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
    try:
        with transaction.atomic():
            earlier = _earlier(program, message_id, digest)
            if earlier is not None:
                return earlier
            # Written before acting: a second request of that id waits here for the first.
            answer = _claim(program, message_id, digest, at)
            body: dict[str, Any] = json.loads(json.dumps(act(), cls=DjangoJSONEncoder))
            answer.body = body
            answer.save(update_fields=["body"])
            return body
    except _Claimed:
        answered = _earlier(program, message_id, digest)
        if answered is None:
            raise
        return answered


def asked_once(
    key: ApiKey, what: str, body: MessageIn, *, at: datetime, act: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Do what a body asks, once per its message id.

    Args:
        key: of the program that asks.
        what: the operation and what it is about; the id stands for that and the body.
        body: with a `message_id`.
        at: now.
        act: does it and returns the answer, ready for JSON.

    Raises:
        MessageReused: the id stands for another request.
    """
    return once(
        program=key.program,
        message_id=body.message_id,
        request={"what": what} | body.model_dump(mode="json"),
        at=at,
        act=act,
    )


class _Claimed(IntegrityError):
    """Another request of the same id was first."""


def _claim(program: User, message_id: str, digest: bytes, at: datetime) -> Answer:
    try:
        with transaction.atomic():
            return Answer.objects.create(
                program=program, message_id=message_id, request_digest=digest, at=at
            )
    except IntegrityError as error:
        raise _Claimed(str(error)) from None


def _earlier(program: User, message_id: str, digest: bytes) -> dict[str, Any] | None:
    found: Any = Answer.objects.filter(program=program, message_id=message_id).first()
    if found is None:
        return None
    if bytes(found.request_digest) != digest:
        raise MessageReused(
            f"message id {message_id} already stands for another request; choose a new id"
        )
    kept: dict[str, Any] = found.body
    return kept
