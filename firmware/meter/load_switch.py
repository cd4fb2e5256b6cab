"""Why the load is off: a set of open reasons. The load switch is closed when the set is empty."""

from firmware.meter.state import CLOSED, POSTPAYMENT, RECLOSE_KEY
from shared.wire.codes import OPEN_NO_CREDIT, OPEN_READY, OPEN_REMOTE, OPEN_TAMPER

# What driving the switch came to.
MOVED = 1
FAULTY = 2
_PATIENCE = 100


def add_reason(state, reason):
    """Keep the load off for a reason (a bit of shared/wire/codes.py); nothing is ready now."""
    state.open_reasons = (state.open_reasons | reason) & ~OPEN_READY


def remove_reason(state, reason):
    """Take a reason away; after the last one the load closes as the reclose rule says."""
    if not state.open_reasons & reason:
        return
    state.open_reasons &= ~reason
    if not state.open_reasons and state.reclose == RECLOSE_KEY:
        state.open_reasons = OPEN_READY


def update_credit_reason(state):
    """Add or take away "no credit" as credit, payment mode and account say."""
    needs_credit = state.payment_mode != POSTPAYMENT or state.account_status == CLOSED
    if state.credit_wh <= 0 and needs_credit:
        if not state.open_reasons & OPEN_NO_CREDIT:
            add_reason(state, OPEN_NO_CREDIT)
    else:
        remove_reason(state, OPEN_NO_CREDIT)


def clear_tamper(state):
    """Take the mark of tampering away, and with it the reason."""
    state.tampered = 0
    remove_reason(state, OPEN_TAMPER)


def press_key(state):
    """Close a load that waits for a key press.

    Returns:
        True if it did wait.
    """
    if state.open_reasons != OPEN_READY:
        return False
    state.open_reasons = 0
    return True


def act(state, action):
    """Carry out a remote command.

    Args:
        state: MeterState.
        action: "disconnect"; "connect" (closes at once if nothing else keeps the load off); or
            "arm" (the consumer closes it by a key press).

    Returns:
        True if it could be done; "arm" cannot while the load is on.
    """
    if action == "disconnect":
        add_reason(state, OPEN_REMOTE)
    elif action == "connect":
        state.open_reasons &= ~(OPEN_REMOTE | OPEN_READY)
    elif not state.open_reasons:
        return False
    else:
        state.open_reasons &= ~OPEN_REMOTE
        state.open_reasons = state.open_reasons or OPEN_READY
    return True


class Driver:
    """Brings the load switch where it belongs, and notices one that does not follow."""

    def __init__(self, relay):
        """Take the port: set(closed) returns whether it moved, is_closed() senses it."""
        self._relay = relay
        self._wrong_since = None
        self._told = False

    def drive(self, closed, now):
        """Move the switch if it stands wrongly.

        Args:
            closed: where it belongs.
            now: 0.1 s since power-up.

        Returns:
            MOVED; FAULTY once, when it has not followed for 10 s; else None.
        """
        if self._relay.is_closed() == closed:
            self._wrong_since = None
            self._told = False
            return None
        if self._relay.set(closed):
            return MOVED
        if self._wrong_since is None:
            self._wrong_since = now
        if self._told or now - self._wrong_since <= _PATIENCE:
            return None
        self._told = True
        return FAULTY
