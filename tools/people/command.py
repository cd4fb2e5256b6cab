"""`prepay people`: the first people of an installation, and those who locked themselves out.

Whoever runs commands on this machine needs no second person: nothing is withheld from them.
The audit record names the console. Exit status: 0 done, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from tools.headend.answers import answering, as_json, print_facts

_password = click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    envvar="OPENPREPAY_NEW_PASSWORD",
    help="Asked for if left out, which keeps it out of the shell's history.",
)


def _now() -> datetime:
    return datetime.now(UTC)


@click.group()
def people() -> None:
    """Create people, set their groups, and let them in again."""


@people.command()
@click.argument("username")
@click.option("--name", default="", help="Full name.")
@click.option("--group", "names", multiple=True, help="A group to be in; may be repeated.")
@_password
@as_json
def add(
    username: str, name: str, names: tuple[str, ...], password: str, json_wanted: bool
) -> None:
    """Create a person who logs in as USERNAME, for example a second administrator."""
    with answering(json_wanted):
        from headend.accounts.people import create_person
        from headend.accounts.services import console_user

        create_person(
            username=username,
            full_name=name,
            email="",
            groups=_groups(names),
            password=password,
            by=console_user(),
            at=_now(),
        )
        _tell(username, json_wanted)


@people.command()
@click.argument("username")
@click.option("--group", "names", multiple=True, required=True, help="Each group to be in.")
@as_json
def groups(username: str, names: tuple[str, ...], json_wanted: bool) -> None:
    """Put USERNAME into these groups and no others; switches the account on."""
    with answering(json_wanted):
        from headend.accounts.people import change_person
        from headend.accounts.services import console_user

        user = _named(username)
        change_person(
            user,
            full_name=user.get_full_name(),
            email=user.email,
            groups=_groups(names),
            is_active=True,
            by=console_user(),
            at=_now(),
        )
        _tell(username, json_wanted)


@people.command()
@click.argument("username")
@_password
@as_json
def password(username: str, password: str, json_wanted: bool) -> None:
    """Set the password of USERNAME and end their sessions."""
    with answering(json_wanted):
        from headend.accounts.people import set_password
        from headend.accounts.services import console_user

        set_password(_named(username), password, by=console_user(), at=_now())
        _tell(username, json_wanted)


@people.command("reset-factors")
@click.argument("username")
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@as_json
def reset_factors(username: str, reason: str, json_wanted: bool) -> None:
    """Remove all second factors of USERNAME, who lost them."""
    with answering(json_wanted):
        from headend.accounts.people import reset_second_factor
        from headend.accounts.services import console_user

        reset_second_factor(_named(username), by=console_user(), at=_now(), reason=reason)
        _tell(username, json_wanted)


def _named(username: str) -> Any:
    from headend.accounts.errors import PeopleRefused
    from headend.accounts.models import User

    user = User.objects.filter(username=username).first()
    if user is None:
        raise PeopleRefused(f"nobody logs in as {username}")
    return user


def _groups(names: tuple[str, ...]) -> list[Any]:
    from django.contrib.auth.models import Group

    from headend.accounts.errors import PeopleRefused

    found = {group.name: group for group in Group.objects.all()}
    if missing := [name for name in names if name not in found]:
        raise PeopleRefused(
            f"no group is called {missing[0]!r}; there are: {', '.join(sorted(found))}"
        )
    return [found[name] for name in names]


def _tell(username: str, json_wanted: bool) -> None:
    user = _named(username)
    facts = {
        "username": username,
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "is_active": user.is_active,
        "second_factors": user.second_factors.count(),
    }
    print_facts(
        json_wanted,
        facts,
        lambda told: (
            f"{told['username']}: {', '.join(told['groups']) or 'in no group'}, "
            f"{told['second_factors']} second factors"
        ),
    )
