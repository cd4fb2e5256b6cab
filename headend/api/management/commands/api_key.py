"""Create, list and revoke API keys from the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from headend.accounts.services import console_user
from headend.api import keys
from headend.api.models import ApiKey
from headend.api.scopes import SCOPES
from headend.config.errors import Refusal
from headend.vendors.models import Till


class Command(BaseCommand):
    """`api_key create PROGRAM`, `api_key list`, `api_key revoke PREFIX`."""

    help = "Create, list or revoke the keys by which other programs use the API."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the three acts and what each takes."""
        acts = parser.add_subparsers(dest="act", required=True)
        create = acts.add_parser("create", help="print a new key; it can't be shown again")
        create.add_argument("program", help="short name of the program")
        create.add_argument("--name", required=True, help="what the key is for")
        create.add_argument(
            "--scope", action="append", required=True, choices=SCOPES, help="may be repeated"
        )
        create.add_argument("--days", type=int, default=365, help="until it ends")
        create.add_argument("--vendor", help="name of the vendor that the program sells for")
        create.add_argument("--till", help="its till, at which no shift is needed")
        create.add_argument("--largest-tender-minor", type=int)
        create.add_argument("--daily-tender-minor", type=int)
        create.add_argument("--requests-per-minute", type=int)
        acts.add_parser("list", help="list keys, without their secrets")
        revoke = acts.add_parser("revoke", help="end a key at once")
        revoke.add_argument("prefix", help="the part between the underscores")
        revoke.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one of the acts."""
        act = {"create": self._create, "list": self._list, "revoke": self._revoke}
        try:
            act[options["act"]](options)
        except Refusal as error:
            raise CommandError(str(error)) from None

    def _create(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        made = keys.create_key(
            program=options["program"],
            name=options["name"],
            scopes=options["scope"],
            by=console_user(),
            at=now,
            expires_at=now + timedelta(days=options["days"]),
            largest_tender_minor=options["largest_tender_minor"],
            daily_tender_minor=options["daily_tender_minor"],
            requests_per_minute=options["requests_per_minute"],
            till=_till(options["vendor"], options["till"]),
        )
        self.stdout.write(made.text)

    def _list(self, options: dict[str, Any]) -> None:
        for key in ApiKey.objects.select_related("program").order_by("pk"):
            end = "revoked" if key.revoked_at else f"ends {key.expires_at:%Y-%m-%d}"
            scopes = " ".join(key.scopes)
            self.stdout.write(f"{key.prefix}  {key.program.username}  {end}  {scopes}  {key.name}")

    def _revoke(self, options: dict[str, Any]) -> None:
        found = ApiKey.objects.filter(prefix=options["prefix"]).first()
        if found is None:
            raise CommandError(f"there is no key {options['prefix']}; see 'api_key list'")
        keys.revoke_key(found, by=console_user(), at=timezone.now(), reason=options["reason"])
        self.stdout.write(f"{found} is revoked")


def _till(vendor: str | None, till: str | None) -> Till | None:
    if vendor is None and till is None:
        return None
    found = Till.objects.filter(vendor__name=vendor, name=till).first()
    if found is None:
        raise CommandError(f"there is no vendor {vendor} with a till {till}; name both")
    return found
