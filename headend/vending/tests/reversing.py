"""What tests of reversals do: vend, reverse, owe, and ask whether everything adds up."""

from headend.accounts.services import console_user
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger import proofs
from headend.ledger.queries import trial_balance
from headend.testing import NOON
from headend.vending import reversals, services


def vend(supply, tender_minor=50_00, *, message_id="m1", at=NOON, by=None, **more):
    return services.vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=by or console_user(),
        at=at,
        **{"hold_token": True} | more,
    )


def reverse(sale, *, message_id="r1", by=None, at=NOON, caller="till"):
    return reversals.reverse(
        caller=caller,
        message_id=message_id,
        sale=sale,
        by=by or console_user(),
        at=at,
        reason="wrong meter",
    )


def owe(owner, owed_minor, **terms):
    return open_debt(
        owner=owner,
        title="Arrears",
        amount_minor=owed_minor,
        terms=Terms(**terms),
        by=console_user(),
        at=NOON,
    )


def agrees():
    assert sum(one.amount_minor for one in trial_balance()) == 0
    return proofs.differences_of(proofs.prove(at=NOON)) == []
