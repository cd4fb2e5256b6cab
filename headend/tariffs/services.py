"""Drafts tariffs, hands them in, and publishes the versions that a second person approves."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import slug_re
from django.db import transaction
from django.utils import timezone

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import CONSOLE, require
from headend.audit import services as audit
from headend.design import figures
from headend.tariffs import document, words
from headend.tariffs.errors import DraftClosed, InvalidTariff, SecondPersonNeeded
from headend.tariffs.models import Tariff, TariffDraft, TariffVersion
from headend.tariffs.queries import ACTIVATE
from headend.tariffs.rules import TariffRules

PUBLISH = "tariffs.publish_tariff"


@transaction.atomic
def publish_version(
    *,
    code: str,
    name: str,
    valid_from: datetime,
    rules: TariffRules,
    by: User,
    at: datetime,
    approved_by: User | None = None,
) -> TariffVersion:
    """Add a version to a tariff, creating the tariff with its first one.

    Pages hand drafts in instead; a version then comes of the second person's approval. Only the
    console, which can change the database anyway, publishes alone.

    Args:
        code: the tariff's code.
        name: the tariff's name, used if it is new.
        valid_from: the version holds from here until the next one begins.
        rules: what it says.
        by: who made it; needs tariffs.publish_tariff.
        at: now.
        approved_by: the second person.

    Raises:
        InvalidTariff: impossible rules, or a version begins at that instant already.
        SecondPersonNeeded: nobody else has approved it.
    """
    require(by, PUBLISH)
    if by.username != CONSOLE and approved_by in (None, by):
        raise SecondPersonNeeded(f"tariff {code} needs the approval of a second person")
    _check(code, rules)
    _check_beginning(code, valid_from)
    tariff, _ = Tariff.objects.get_or_create(code=code, defaults={"name": name})
    version = TariffVersion(
        tariff=tariff,
        valid_from=valid_from,
        currency=settings.BASE_CURRENCY,
        rules=document.write(rules),
        made_by=by,
        approved_by=approved_by,
    )
    try:
        version.full_clean(exclude=["made_by", "approved_by"])
    except ValidationError as error:
        raise InvalidTariff(f"tariff {code}: {' '.join(error.messages)}") from None
    version.save(force_insert=True)
    audit.record(
        actor=approved_by or by,
        action="tariffs.publish",
        target=version,
        at=at,
        after={
            "valid_from": valid_from,
            "rules": version.rules,
            "made_by": by.username,
        },
    )
    return version


@transaction.atomic
def save_draft(
    *,
    draft: TariffDraft | None,
    code: str,
    name: str,
    valid_from: datetime | None,
    rules: TariffRules,
    by: User,
    at: datetime,
) -> TariffDraft:
    """Write a draft, new or changed; it may still lack its beginning.

    Args:
        draft: the one to change; None makes a new one.
        code: of the tariff that it will be a version of.
        name: of that tariff.
        valid_from: from when on it is to hold.
        rules: what it says.
        by: who writes; needs tariffs.publish_tariff.
        at: now.

    Raises:
        InvalidTariff: rules that can't be priced.
        DraftClosed: it was handed in or discarded.
    """
    require(by, PUBLISH)
    _check(code, rules)
    before = None
    if draft is None:
        draft = TariffDraft(made_by=by)
    else:
        draft = _open_draft(draft)
        before = {"name": draft.name, "valid_from": draft.valid_from, "rules": draft.rules}
    draft.code, draft.name, draft.valid_from = code, name, valid_from
    draft.rules, draft.made_by, draft.changed_at = document.write(rules), by, at
    if not name.strip() or not name.isprintable():
        raise InvalidTariff("a tariff needs a name, of letters that can be printed")
    if not slug_re.fullmatch(code):
        raise InvalidTariff(f"the code {code!r} may have only letters, digits, - and _")
    try:
        draft.full_clean(exclude=["valid_from", "version"])
    except ValidationError as error:
        raise InvalidTariff(f"draft {code}: {' '.join(error.messages)}") from None
    draft.save()
    audit.record(
        actor=by,
        action="tariffs.save_draft",
        target=draft,
        at=at,
        before=before,
        after={"name": name, "valid_from": valid_from, "rules": draft.rules},
    )
    return draft


@transaction.atomic
def submit_draft(draft: TariffDraft, *, by: User, at: datetime, reason: str) -> Approval:
    """Hand a draft in: a second person approves it or sends it back.

    Args:
        draft: complete, with its beginning.
        by: who hands it in; needs tariffs.publish_tariff.
        at: now.
        reason: why the prices change.

    Raises:
        InvalidTariff: it has no beginning, or one that is too late.
        DraftClosed: it was handed in or discarded.
    """
    require(by, PUBLISH)
    draft = _open_draft(draft)
    if draft.valid_from is None or not _can_begin(draft.code, draft.valid_from, at):
        raise InvalidTariff(
            "a version begins in the future, so that no sale was made at other prices, and only "
            "a new tariff's first one today; set its first day"
        )
    _check_beginning(draft.code, draft.valid_from)
    draft.state = TariffDraft.State.SUBMITTED
    draft.save(update_fields=["state"])
    return approvals.request(
        ACTIVATE,
        {"draft": draft.pk, "digest": digest(draft)},
        by,
        at,
        reason,
        f"Tariff {draft.name} from {figures.moment(draft.valid_from)}: "
        + " ".join(words.summary(document.read(draft.rules))),
    )


@transaction.atomic
def reopen_draft(draft: TariffDraft, *, by: User, at: datetime) -> TariffDraft:
    """Take a draft that was handed in back to change it.

    The request for its approval ends with it, whoever asked, so that nobody ponders what can't be
    approved any more.

    Raises:
        DraftClosed: it has become a version, or was discarded.
        AlreadyDecided: somebody decides about it at this moment.
    """
    require(by, PUBLISH)
    # Before the draft is locked: who approves locks them in this order too.
    for waiting in Approval.objects.filter(
        act=ACTIVATE, state=Approval.OPEN, arguments__draft=draft.pk
    ):
        approvals.end(waiting, by, at, reason="the draft was taken back to change it")
    draft = TariffDraft.objects.select_for_update().get(pk=draft.pk)
    if draft.state != TariffDraft.State.SUBMITTED:
        raise DraftClosed(f"draft {draft.name} is {draft.state}; only a submitted one is reopened")
    draft.state = TariffDraft.State.DRAFT
    draft.save(update_fields=["state"])
    audit.record(actor=by, action="tariffs.reopen_draft", target=draft, at=at)
    return draft


@transaction.atomic
def discard_draft(draft: TariffDraft, *, by: User, at: datetime) -> None:
    """Put a draft away for good; it stays on record.

    Raises:
        DraftClosed: it was handed in or discarded.
    """
    require(by, PUBLISH)
    draft = _open_draft(draft)
    draft.state = TariffDraft.State.DISCARDED
    draft.save(update_fields=["state"])
    audit.record(actor=by, action="tariffs.discard_draft", target=draft, at=at)


def digest(draft: TariffDraft) -> str:
    """Return a digest of a draft's content, so that it is approved exactly as it was read."""
    content = [draft.code, draft.name, str(draft.valid_from), draft.rules]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@approvals.act(
    ACTIVATE,
    title="Put a tariff version in force",
    page=("tariffs:draft", "draft"),
    permission=PUBLISH,
    approve_permission="tariffs.approve_tariff",
)
def perform_activation(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> TariffVersion:
    """Make a version of a draft, in the transaction of its approval."""
    draft = TariffDraft.objects.select_for_update().get(pk=arguments["draft"])
    if draft.state != TariffDraft.State.SUBMITTED or digest(draft) != arguments["digest"]:
        raise DraftClosed(
            f"draft {draft.name} was taken back or changed after this was asked for: refuse this "
            "request, and have the draft handed in again"
        )
    if draft.valid_from is None or not _can_begin(draft.code, draft.valid_from, at):
        raise InvalidTariff(
            f"draft {draft.name} was to begin at {draft.valid_from}, which has passed; "
            "send it back for another day"
        )
    version = publish_version(
        code=draft.code,
        name=draft.name,
        valid_from=draft.valid_from,
        rules=document.read(draft.rules),
        by=by,
        approved_by=approved_by,
        at=at,
    )
    draft.state, draft.version = TariffDraft.State.APPROVED, version
    draft.save(update_fields=["state", "version"])
    return version


def _check(code: str, rules: TariffRules) -> None:
    """Refuse rules that can't be priced, or not in the utility's currency."""
    rules.check()
    if rules.minor_digits != settings.BASE_CURRENCY_MINOR_DIGITS:
        raise InvalidTariff(
            f"tariff {code}: {settings.BASE_CURRENCY} has {settings.BASE_CURRENCY_MINOR_DIGITS} "
            f"decimals, the tariff's amounts have {rules.minor_digits}"
        )


def _check_beginning(code: str, valid_from: datetime) -> None:
    """Refuse a beginning that another version has; the database would refuse it too."""
    if TariffVersion.objects.filter(tariff__code=code, valid_from=valid_from).exists():
        raise InvalidTariff(
            f"another version of {code} begins at {figures.moment(valid_from)} already; choose "
            "another first day"
        )


def _can_begin(code: str, valid_from: datetime, at: datetime) -> bool:
    """Say whether a beginning changes no price that something was sold at.

    By a tariff that has no version yet nothing was sold; it may hold from midnight on, so that a
    new installation need not wait for a day.
    """
    if valid_from > at:
        return True
    is_of_today = timezone.localdate(valid_from) == timezone.localdate(at)
    return is_of_today and not TariffVersion.objects.filter(tariff__code=code).exists()


def _open_draft(draft: TariffDraft) -> TariffDraft:
    """Return a draft locked and still open to change."""
    draft = TariffDraft.objects.select_for_update().get(pk=draft.pk)
    if draft.state != TariffDraft.State.DRAFT:
        raise DraftClosed(f"draft {draft.name} is {draft.state} and can't be changed any more")
    return draft
