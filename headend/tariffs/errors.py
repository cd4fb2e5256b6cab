"""Refusals about tariffs."""

from headend.config.errors import Refusal


class NoTariffInForce(Refusal):
    """The tariff has no version at that time."""

    code = "no_tariff_in_force"


class InvalidTariff(Refusal):
    """The version has impossible values, or begins when another one does."""

    code = "tariff_invalid"


class AttributeMissing(Refusal):
    """The tariff asks for something about the customer that is not known."""

    code = "tariff_attribute_missing"


class DraftClosed(Refusal):
    """The draft was handed in, has become a version, or was discarded."""

    code = "tariff_draft_closed"


class SecondPersonNeeded(Refusal):
    """A tariff takes two people."""

    code = "tariff_second_person_needed"
