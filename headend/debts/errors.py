"""Refusals of the services about debts, each with a stable code."""

from headend.config.errors import Refusal


class InvalidDebt(Refusal):
    """The amount, the terms or the owner of a debt make no sense."""

    code = "debt_invalid"


class DebtReferenceTaken(Refusal):
    """A debt from the other system is here already, with another amount."""

    code = "debt_reference_taken"


class PurchasesBlocked(Refusal):
    """A debt is to be paid before anything is sold."""

    code = "purchases_blocked"


class BalanceTooSmall(Refusal):
    """More would be taken off a debt than is owed."""

    code = "debt_balance_too_small"
