"""Refusals of the services about supplies, each with a stable code."""

from headend.config.errors import Refusal


class InvalidRule(Refusal):
    """A rule of settlement makes no sense."""

    code = "supply_rule_invalid"


class ClosingNotPossible(Refusal):
    """The account is closed already, or is not at the step that was asked for."""

    code = "closing_not_possible"


class InvalidRegisters(Refusal):
    """No meter shows such registers."""

    code = "registers_invalid"


class RefundNotPossible(Refusal):
    """There is nothing to pay out, or it was paid already."""

    code = "refund_not_possible"


class FormerClosingOpen(Refusal):
    """The account of the customer who lived there before is not settled yet."""

    code = "former_closing_open"


class CreditLeft(Refusal):
    """The meter holds credit that is not the new customer's."""

    code = "credit_left_on_meter"


class PremisesDebts(Refusal):
    """Debts rest on the premises that the new customer was not told of."""

    code = "premises_debts_not_accepted"


class ReplacementNotPossible(Refusal):
    """The meter can't be replaced by that one, or the step was done already."""

    code = "replacement_not_possible"


class NotProvedUnused(Refusal):
    """A token may have been entered; only a reallocation, which two people see to, is left."""

    code = "token_not_proved_unused"


class NewKeyNeeded(Refusal):
    """The meter would take a token that was issued anew for another one."""

    code = "new_key_needed"
