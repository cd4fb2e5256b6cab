"""The `prepay` command: one name for everything a person runs. Subcommands load when called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from headend.config.environment import BadSetting

COMMANDS = {
    "audit": "tools.audit.command:audit",
    "sts": "tools.sts.command:sts",
    "vend": "tools.headend.command:vend",
    "sale": "tools.headend.sales:sale",
    "currency": "tools.currencies.command:currency",
    "meter": "tools.headend.orders:meter",
    "ledger": "tools.ledger.command:ledger",
    "run": "tools.run.command:run",
    "demo": "tools.demo.command:demo",
    "export": "tools.exchange.command:export",
    "free": "tools.free_electricity.command:free",
    "import": "tools.exchange.command:import_",
    "provision": "tools.provision.command:provision",
    "panel": "tools.panel.command:panel",
    "people": "tools.people.command:people",
    "supply": "tools.supply.command:supply",
    "tariff": "tools.tariff.command:tariff",
    "token": "tools.tokens.command:token",
    "campaign": "tools.campaign.command:campaign",
    "webhooks": "tools.webhooks.command:webhooks",
}


class LazyGroup(click.Group):
    """A group whose subcommands are imported only when used, so that each starts quickly."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read the command line; bytes that are no text would fail wherever they are used."""
        for number, argument in enumerate(args, start=1):
            if any("\udc80" <= letter <= "\udcff" for letter in argument):
                raise click.UsageError(f"argument {number} is not UTF-8")
        return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        """Run a subcommand; a bad setting is told as a bad argument is, whichever it is."""
        try:
            return super().invoke(context)
        except BadSetting as error:
            raise click.UsageError(str(error)) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openprepay")
def main() -> None:
    """OpenPrepay: prepayment electricity from the till to the load switch."""
