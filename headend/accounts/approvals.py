"""Acts that need two people: one asks, another approves, and only then it is done.

A capability registers its act beside its services:

    @approvals.act(
        "debts.write_off",
        title="Write off a debt",
        permission="debts.write_off",
        approve_permission="debts.approve_write_off",
    )
    def perform_write_off(*, arguments, by, approved_by, at):
        debt = Debt.objects.get(pk=arguments["debt"])
        ...
        return debt

and its pages call `request`. The inbox and the record come with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.contrib.auth.models import Group
from django.db import models, transaction
from django.db.models import Q

from headend.accounts.errors import AlreadyDecided, SamePerson, UnknownAct
from headend.accounts.models import Approval, User
from headend.accounts.programs import can_act_as, programs
from headend.accounts.services import CONSOLE, require
from headend.audit import services as audit
from headend.config.errors import NotPermitted

SEES_ALL = "audit.search_audit"  # who reads the record reads what was asked for, too


class Perform(Protocol):
    """Does the act, in the transaction of its approval.

    A Refusal leaves the request open; the person who approves is shown it.
    """

    def __call__(
        self, *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
    ) -> models.Model:
        """Do it and return what it made or changed."""


@dataclass(frozen=True)
class Act:
    """One kind of act that needs two people."""

    name: str
    title: str
    permission: str
    approve_permission: str
    perform: Perform
    page: tuple[str, str] | None


_acts: dict[str, Act] = {}


def act(
    name: str,
    *,
    permission: str,
    approve_permission: str,
    title: str = "",
    page: tuple[str, str] | None = None,
) -> Callable[[Perform], Perform]:
    """Register the decorated function as what an approval does.

    Args:
        name: capability and verb, at most 60 characters, for example "debts.write_off".
        permission: who may ask.
        approve_permission: who may approve or refuse; the same person never does both.
        title: what the inbox calls it; made from the name if not given.
        page: the name of a page that shows more of what is asked for, and the argument of the
            request that it is opened by; for who decides.
    """
    words = name.rpartition(".")[2].replace("_", " ").capitalize()

    def register(perform: Perform) -> Perform:
        _acts[name] = Act(name, title or words, permission, approve_permission, perform, page)
        return perform

    return register


def act_named(name: str) -> Act:
    """Return a registered act.

    Raises:
        UnknownAct: there is none; its capability was removed or is misspelt.
    """
    try:
        return _acts[name]
    except KeyError:
        raise UnknownAct(f"no act is called {name}; it can't be asked for or approved") from None


def acts() -> list[Act]:
    """Return all registered acts."""
    return list(_acts.values())


def acts_approved_by(user: User) -> list[str]:
    """Return the names of the acts that a user may approve when others ask for them."""
    return [one.name for one in _acts.values() if user.has_perm(one.approve_permission)]


def seen_by(user: User) -> models.QuerySet[Approval]:
    """Return the requests a user may see: their own, those they may decide; an auditor all."""
    rows = Approval.objects.select_related("requested_by", "decided_by")
    if user.has_perm(SEES_ALL):
        return rows
    return rows.filter(Q(act__in=acts_approved_by(user)) | Q(requested_by=user))


def to_decide(user: User) -> models.QuerySet[Approval]:
    """Return the open requests that a user may decide: no own ones, by the rules of `approve`."""
    rows = Approval.objects.select_related("requested_by").filter(
        state=Approval.OPEN, act__in=acts_approved_by(user)
    )
    of_others = rows.exclude(requested_by=user)
    asking = User.objects.filter(pk__in=of_others.values("requested_by"))
    return of_others.exclude(requested_by__in=[one for one in asking if _are_one(user, one)])


def may_see(user: User, approval: Approval) -> bool:
    """Tell whether a user reaches the page of a request, by the rule of `seen_by`."""
    if not user.has_perm("accounts.view_approval"):
        return False
    is_theirs = approval.requested_by_id == user.pk or approval.act in acts_approved_by(user)
    return is_theirs or user.has_perm(SEES_ALL)


def deciders(approval: Approval) -> list[User]:
    """Return who could decide on a request now, by name; the act itself may still refuse some."""
    app, codename = act_named(approval.act).approve_permission.split(".")
    held = {"permissions__codename": codename, "permissions__content_type__app_label": app}
    may = Q(groups__in=Group.objects.filter(**held)) | Q(is_superuser=True)
    people = User.objects.filter(may, is_active=True).exclude(pk=approval.requested_by_id)
    found = people.exclude(pk__in=programs()).exclude(username=CONSOLE).order_by("username")
    return [one for one in found.distinct() if not _are_one(one, approval.requested_by)]


def _are_one(one: User, other: User) -> bool:
    """Tell whether two users may be the same person: one ever knew a secret of the other."""
    return can_act_as(one, other) or can_act_as(other, one)


def request(
    act: str, arguments: dict[str, Any], by: User, at: datetime, reason: str, summary: str
) -> Approval:
    """Ask for an act; it is done when somebody else approves.

    Args:
        act: a registered name.
        arguments: what the act needs to know, as JSON. Never a key or a password.
        by: who asks; needs the act's permission.
        at: now.
        reason: why, in their words.
        summary: one line that says what will be done to whom, for the person who approves.

    Raises:
        UnknownAct, NotPermitted.
    """
    require(by, act_named(act).permission)
    with transaction.atomic():
        approval = Approval.objects.create(
            act=act,
            arguments=arguments,
            summary=summary[:4000],
            reason=reason[:500],
            requested_by=by,
            requested_at=at,
        )
        audit.record(
            actor=by,
            action="approvals.request",
            target=approval,
            at=at,
            after={"act": act, "arguments": arguments},
            reason=reason,
        )
    return approval


def approve(approval: Approval, by: User, at: datetime) -> Approval:
    """Approve a request and do the act, both or neither.

    Raises:
        SamePerson: `by` asked for it, or made a key of the program that did, or one of the two
            alone has set the other's password.
        AlreadyDecided: it is not open any more.
        NotPermitted: `by` may not approve it, or who asked may not ask for it any more.
        Refusal: the act itself refused; the request stays open.
    """
    with transaction.atomic():
        approval, known = _open_for_decision(approval, by)
        require(approval.requested_by, known.permission)
        target = known.perform(
            arguments=approval.arguments, by=approval.requested_by, approved_by=by, at=at
        )
        approval.target_type = target._meta.label_lower
        approval.target_id = str(target.pk)
        approval.target_label = str(target)[:200]
        _decide(approval, Approval.APPROVED, by=by, at=at, reason="")
    return approval


def refuse(approval: Approval, by: User, at: datetime, reason: str) -> Approval:
    """Refuse a request: nothing is done.

    Raises:
        SamePerson, AlreadyDecided, NotPermitted: as `approve`.
    """
    with transaction.atomic():
        approval, _ = _open_for_decision(approval, by)
        _decide(approval, Approval.REFUSED, by=by, at=at, reason=reason)
    return approval


def withdraw(approval: Approval, by: User, at: datetime, reason: str = "") -> Approval:
    """Take one's own request back.

    Raises:
        NotPermitted: somebody else asked for it; they can refuse it instead.
        AlreadyDecided: it is not open any more.
    """
    with transaction.atomic():
        approval = _locked(approval)
        if approval.requested_by != by:
            raise NotPermitted(f"only {approval.requested_by} can withdraw “{approval}”")
        _decide(approval, Approval.WITHDRAWN, by=by, at=at, reason=reason)
    return approval


def end(approval: Approval, by: User, at: datetime, reason: str) -> None:
    """End a request that nobody can approve any more; it counts as withdrawn.

    The service that takes away what was to be approved calls it, in its own transaction, and has
    seen to it that `by` may do that; who asked does not have to be the same person.

    Args:
        approval: an open one.
        by: whose act ends it.
        at: now.
        reason: why, for who asked and who would have decided.

    Raises:
        AlreadyDecided: it is not open any more.
    """
    with transaction.atomic():
        _decide(_locked(approval), Approval.WITHDRAWN, by=by, at=at, reason=reason)


def _locked(approval: Approval) -> Approval:
    rows = Approval.objects.select_for_update(of=("self",)).select_related("requested_by")
    locked = rows.get(pk=approval.pk)
    if locked.state != Approval.OPEN:
        raise AlreadyDecided(f"“{locked}” is {locked.state} already")
    return locked


def _open_for_decision(approval: Approval, by: User) -> tuple[Approval, Act]:
    locked = _locked(approval)
    known = act_named(locked.act)
    require(by, known.approve_permission)
    if programs().filter(pk=by.pk).exists():
        raise NotPermitted(f"{by} is a program; a person has to decide “{locked}”")
    if locked.requested_by == by:
        raise SamePerson(f"{by} asked for “{locked}”; somebody else has to decide it")
    if can_act_as(by, locked.requested_by):
        is_program = programs().filter(pk=locked.requested_by.pk).exists()
        raise SamePerson(
            f"{by} {'made a key' if is_program else 'set the password'} of "
            f"{locked.requested_by}, who asked for “{locked}”; somebody else has to decide it"
        )
    if can_act_as(locked.requested_by, by):
        raise SamePerson(
            f"{locked.requested_by}, who asked for “{locked}”, set the password of {by}; "
            "somebody else has to decide it"
        )
    return locked, known


def _decide(approval: Approval, state: str, *, by: User, at: datetime, reason: str) -> None:
    approval.state = state
    approval.decided_by = by
    approval.decided_at = at
    approval.decision_reason = reason[:500]
    approval.save()
    audit.record(
        actor=by,
        action=f"approvals.{_VERBS[state]}",
        target=approval,
        at=at,
        before={"state": Approval.OPEN},
        after={
            "state": state,
            "act": approval.act,
            "requested_by": approval.requested_by.username,
            "target": f"{approval.target_type} {approval.target_id}".strip(),
        },
        reason=reason,
    )


_VERBS = {
    Approval.APPROVED: "approve",
    Approval.REFUSED: "refuse",
    Approval.WITHDRAWN: "withdraw",
}
