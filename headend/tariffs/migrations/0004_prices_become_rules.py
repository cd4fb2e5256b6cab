"""Every version's one price and tax is written as a document, which prices the same.

Taking it back is possible while all versions are that simple.
"""

from decimal import Decimal

from django.db import migrations

_FORMAT = "openprepay-tariff/1"
_MINOR_DIGITS = 2


def write_rules(apps, schema_editor):
    """Write the price, the tax and the rounding of the flat tariff as components."""
    for version in apps.get_model("tariffs", "TariffVersion").objects.all():
        rate = version.price_minor_per_kwh.scaleb(-_MINOR_DIGITS)
        components = [
            {"kind": "energy", "name": "Energy", "steps": [{"upto": None, "rate": f"{rate:f}"}]}
        ]
        if version.tax_percent:
            components.append(
                {
                    "kind": "tax",
                    "name": version.tax_name,
                    "percent": f"{version.tax_percent:f}",
                    "on": ["Energy"],
                }
            )
        version.rules = {
            "format": _FORMAT,
            "minor_digits": _MINOR_DIGITS,
            "components": components,
            "rounding": {
                "kwh_step": f"{Decimal(version.energy_step_wh) / 1000:f}",
                "lines_from": "energy_from_rounded_kwh",
            },
            "fee_recovery": {},
        }
        version.save()


def write_prices(apps, schema_editor):
    """Read the one price and tax back."""
    for version in apps.get_model("tariffs", "TariffVersion").objects.all():
        energy, *others = version.rules["components"]
        rounding = version.rules["rounding"]
        if (
            energy["kind"] != "energy"
            or len(energy["steps"]) != 1
            or len(others) > 1
            or any(other["kind"] != "tax" for other in others)
        ):
            raise RuntimeError(f"tariff version {version.pk} has more than one price and one tax")
        version.price_minor_per_kwh = Decimal(energy["steps"][0]["rate"]).scaleb(_MINOR_DIGITS)
        version.tax_percent = Decimal(others[0]["percent"]) if others else Decimal(0)
        version.tax_name = others[0]["name"] if others else "VAT"
        version.energy_step_wh = int(Decimal(rounding.get("kwh_step", "0.1")) * 1000)
        version.save()


class Migration(migrations.Migration):
    """Fills `rules` from the columns that go away next."""

    dependencies = [("tariffs", "0003_rules_and_drafts")]

    operations = [migrations.RunPython(write_rules, write_prices)]
