"""Tokens that were reissued for another meter but that their own meter would still take.

Such a token can't be called back: it stays good for as long as its meter has the key that it was
made with. While the meter is down nobody can enter it; once it hangs again, whoever kept it could.
"""

from __future__ import annotations

from headend.meters.models import KeyChange, Meter
from headend.supply.errors import NewKeyNeeded
from headend.supply.models import SecondIssue


def require_new_key(meter: Meter) -> None:
    """Refuse to hang up a meter that would take a token which was issued anew for another one.

    Args:
        meter: one that is to serve somebody; held until the transaction ends, so that nothing is
            issued anew meanwhile.

    Raises:
        NewKeyNeeded: it has had no new key since the token was made.
    """
    list(Meter.objects.select_for_update().filter(pk=meter.pk))
    issued = SecondIssue.objects.filter(old_token__meter=meter)
    latest = (
        issued.select_related("old_token", "new_token").order_by("-old_token__issued_at").first()
    )
    if latest is None:
        return
    token = latest.old_token
    changes = KeyChange.objects.filter(
        meter=meter, state=KeyChange.State.ENTERED, issued_at__gte=token.issued_at
    )
    if not changes.exists():
        raise NewKeyNeeded(
            f"meter {meter} still takes token …{token.digits[-4:]}, which was reissued as "
            f"…{latest.new_token.digits[-4:]}: give it a new key first, by a key change that is "
            "entered, or take another meter"
        )
