"""`seed_demonstration`: people, customers, meters and test keys to try the head-end with."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from headend.config.errors import Refusal
from headend.vending.demonstration import as_dictionary, seed


class Command(BaseCommand):
    """Creates what is missing and prints log-ins and meters."""

    help = "Seed the demonstration (needs OPENPREPAY_DEMONSTRATION=1) and print what there is."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --json and --without-vendor."""
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--without-vendor", action="store_true", help="nothing was sold yet")

    def handle(self, *_: Any, **options: Any) -> None:
        """Seed, then print."""
        try:
            seeded = seed(at=timezone.now(), with_vendor=not options["without_vendor"])
        except Refusal as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(as_dictionary(seeded), indent=2))
            return
        for person in seeded.people:
            password = person.password or "(changed)"
            self.stdout.write(f"{person.username:13} {password:14} {person.group}")
        for supply in seeded.supplies:
            self.stdout.write(f"{supply.drn:14} {supply.customer}, {supply.address}")
