"""The story, step by step. Each step acts, and returns in words what was observed.

A step that does not observe what it promises raises; nothing is taken for granted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from shared.sts import result
from shared.wire import codes, jws, messages
from shared.wire.keys import key_id
from tools.demo.stage import NotObserved, Stage
from tools.simulate import SimulatedMeter

GEYSER_W = 4000
FASTEST = 3600
GENTLE = 1500
PAST_ZERO_WH = 2000
TOTAL_IMPORT = "1.8.0"
# Bytes of flash written when the power fails: in the head and in the tail of a journal record.
CUTS_AFTER_BYTES = (40, 900)


class Step(NamedTuple):
    """One step: what is shown to the reader, and what is done."""

    title: str
    play: Callable[[Stage], str]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotObserved(otherwise)


def first_token(stage: Stage) -> str:
    """A sale at the head-end, its token typed on the keypad."""
    _require(stage.meter.relay == "open", "the load switch was closed without credit")
    sale = stage.vend(50_00)
    stage.first_token = stage.digits(sale)
    stage.meter.enter_token(stage.first_token)
    stage.meter.wait_for_text("Accepted")
    stage.meter.wait_for(lambda meter: meter.relay == "closed")
    stage.credit_must_be(sale.encoded_wh)
    stage.meter.wait_for(lambda meter: meter.lamps.get("green"))
    return (
        f"50.00 bought {sale.encoded_wh / 1000:.1f} kWh; token {_grouped(stage.first_token)}; "
        "the display said Accepted, the load switch closed"
    )


def consumption_and_warning(stage: Stage) -> str:
    """The load runs the credit down to the warning."""
    told_before = len(stage.warnings())
    before = stage.credit_wh()
    stage.meter.set_load(GEYSER_W)
    stage.meter.time_lapse = FASTEST
    stage.meter.wait_for(lambda meter: meter.lamps.get("amber"))
    stage.meter.time_lapse = GENTLE
    told = stage.until("the message to the consumer", lambda: stage.warnings()[told_before:])
    used = before - stage.state().credit_wh
    _require(used > 0, "the head-end saw no consumption")
    return f"{used / 1000:.1f} kWh used, amber lamp; {stage.customer} was told: {told[0]}"


def zero_credit(stage: Stage) -> str:
    """The credit reaches zero and the load switch opens."""
    stage.meter.wait_for(lambda meter: meter.relay == "open", 20)
    stage.until("the open load switch at the head-end", lambda: not stage.state().relay_closed)
    state = stage.state()
    _require(state.open_reasons == ["no_credit"], f"it is open because of {state.open_reasons}")
    _require(state.credit_wh <= 0, f"it opened at {state.credit_wh} Wh")
    pulses = stage.meter.pulse_count
    time.sleep(0.5)  # half an hour of the house's time
    _require(stage.meter.pulse_count == pulses, "energy still flows")
    return f"the load switch opened, the house is dark; credit {state.credit_wh} Wh, red lamp"


def remote_token(stage: Stage) -> str:
    """A second sale, sent to the meter over MQTT."""
    stage.meter.set_load(0)
    stage.meter.time_lapse = 1
    before = stage.credit_wh()
    sale = stage.vend(20_00, send=True)
    command = stage.finished(stage.token_command())
    _require(command.state == "accepted", f"the token was {command.state}: {command.status}")
    stage.meter.wait_for(lambda meter: meter.relay == "closed")
    stage.credit_must_be(before + sale.encoded_wh)
    stage.remote_digits = stage.digits(sale)
    stage.remote_payload = bytes(command.payload)
    finished_at = command.finished_at or command.created_at
    took_ms = (finished_at - command.created_at).total_seconds() * 1000
    return f"accepted by the meter {took_ms:.0f} ms after the sale; it closed again"


def same_token_again(stage: Stage) -> str:
    """Both tokens once more: typed, and sent."""
    before = stage.credit_wh()
    for digits in (stage.remote_digits, stage.first_token):
        stage.meter.enter_token(digits)
        stage.meter.wait_for_text("Already used")
    refused = stage.until(
        "both refusals at the head-end",
        lambda: stage.event_count(codes.EVENT_TOKEN_REFUSED) >= 2,
    )
    _require(bool(refused), "")
    stage.credit_must_be(before)
    return f'both refused: the display said "Already used"; credit still {before} Wh'


def power_cuts(stage: Stage) -> str:
    """Power fails in the middle of writing a token, at two places; nothing is lost or doubled."""
    seen = []
    for cut in CUTS_AFTER_BYTES:
        before = stage.credit_wh()
        sale = stage.vend(10_00)
        digits = stage.digits(sale)
        stage.meter.cut_power_after(cut)
        stage.meter.enter_token(digits)
        stage.meter.wait_for(lambda meter: not meter.powered)
        _require(not stage.meter.failure, stage.meter.failure)
        stage.meter.power_on()
        stage.until("the meter online again", stage.is_online)
        stage.meter.enter_token(digits)
        shown = stage.meter.wait_for(
            lambda meter: next(
                (
                    word
                    for word in ("Accepted", "Already used")
                    for rows in meter.screens
                    if word in rows[0]
                ),
                "",
            )
        )
        stage.credit_must_be(before + sale.encoded_wh)
        seen.append(f'cut after {cut} bytes, then "{shown}"')
    return "; ".join(seen) + "; each token is credited exactly once"


def postpayment(stage: Stage) -> str:
    """Post-payment by command: the load stays on past zero."""
    answer = stage.command("payment_mode", mode=codes.POSTPAYMENT)
    _require(answer.state == "accepted", f"the order was {answer.state}: {answer.status}")
    stage.meter.set_load(GEYSER_W)
    stage.meter.time_lapse = FASTEST
    closing = answer.detail
    past_zero_wh = closing["energy_wh"] + max(closing["credit_wh"], 0) + PAST_ZERO_WH
    stage.until("2 kWh used past zero", lambda: stage.registers()[TOTAL_IMPORT] >= past_zero_wh)
    stage.meter.set_load(0)
    _require(stage.meter.relay == "closed", "the load switch opened in post-payment")
    stage.meter.time_lapse = 1
    mode = stage.state().payment_mode
    _require(mode == codes.POSTPAYMENT, f"the mode is {mode}")
    registers = stage.registers()
    _require(registers["credit_wh"] <= 0, f"there is still credit: {registers['credit_wh']} Wh")
    return (
        f"credit {registers['credit_wh']} Wh and the light is on; "
        f"total {registers[TOTAL_IMPORT] / 1000:.1f} kWh"
    )


def prepayment_again(stage: Stage) -> str:
    """Back to prepayment: without credit the load switch opens; a token closes it."""
    answer = stage.command("payment_mode", mode=codes.PREPAYMENT)
    _require(answer.state == "accepted", f"the order was {answer.state}: {answer.status}")
    stage.meter.wait_for(lambda meter: meter.relay == "open")
    registers = answer.detail
    _require(
        registers["postpaid_wh"] >= PAST_ZERO_WH,
        f"only {registers['postpaid_wh']} Wh were counted for billing",
    )
    stage.vend(10_00, send=True)
    token = stage.finished(stage.token_command())
    _require(token.status == result.ACCEPT, f"the token was answered with {token.status}")
    stage.meter.wait_for(lambda meter: meter.relay == "closed")
    return (
        f"closing registers {registers['energy_wh'] / 1000:.1f} kWh in total, "
        f"{registers['postpaid_wh'] / 1000:.1f} kWh to be billed; it opened, and closed with 10.00"
    )


def forged_command(stage: Stage) -> str:
    """A command signed with another key, and one altered on its way."""
    number = stage.state().last_command_number + 1
    claims = messages.command_claims(
        stage.drn, number, int(time.time()), "load_switch", {"action": "disconnect"}
    )
    generation = stage.record.link_generation
    forged = jws.sign(claims, bytes(32), key_id("down", generation))
    altered = bytearray(jws.sign(claims, stage.down_key(), key_id("down", generation)))
    altered[len(altered) // 2] ^= 1
    reported = stage.event_count(codes.EVENT_COMMAND_FORGED)
    for message in (forged, bytes(altered)):
        refused = _log_lines(stage.meter, "not authentic")
        stage.publish_to_meter(message)
        stage.until(
            "the meter's refusal",
            lambda refused=refused: _log_lines(stage.meter, "not authentic") > refused,  # type: ignore[misc]
        )
    stage.until(
        "a report of the forgery (one a minute, however many there are)",
        lambda: stage.event_count(codes.EVENT_COMMAND_FORGED) > reported,
    )
    _require(stage.meter.relay == "closed", "the load switch obeyed a forged command")
    return "a wrong key and an altered byte: both refused and reported; the load switch stayed"


def replayed_command(stage: Stage) -> str:
    """A recorded token command published again, and an old number on a new command."""
    before = stage.credit_wh()
    stage.publish_to_meter(stage.remote_payload)
    reported = stage.event_count(codes.EVENT_COMMAND_REPLAYED)
    old = messages.command_claims(
        stage.drn, 1, int(time.time()), "load_switch", {"action": "disconnect"}
    )
    key = key_id("down", stage.record.link_generation)
    stage.publish_to_meter(jws.sign(old, stage.down_key(), key))
    stage.until(
        "a report of the replay",
        lambda: stage.event_count(codes.EVENT_COMMAND_REPLAYED) > reported,
    )
    stage.credit_must_be(before)
    _require(stage.meter.relay == "closed", "the load switch obeyed a replayed command")
    return f"the recorded token credited nothing ({before} Wh stay); the old number was refused"


def expired_command(stage: Stage) -> str:
    """A genuine command that arrives too late."""
    number = stage.state().last_command_number + 1
    now = int(time.time())
    late = messages.command_claims(
        stage.drn, number, now - 600, "load_switch", {"action": "disconnect"}, exp=now - 300
    )
    key = key_id("down", stage.record.link_generation)
    reported = stage.event_count(codes.EVENT_COMMAND_EXPIRED)
    stage.publish_to_meter(jws.sign(late, stage.down_key(), key))
    stage.until(
        "a report of the late command",
        lambda: stage.event_count(codes.EVENT_COMMAND_EXPIRED) > reported,
    )
    _require(stage.meter.relay == "closed", "the load switch obeyed an expired command")
    return "a disconnect that expired 5 minutes ago was refused and reported"


def message_and_closed_account(stage: Stage) -> str:
    """A message on the display; then the account is closed and its credit handed back."""
    shown = stage.command("message", text="Thank you", until=int(time.time()) + 3600)
    _require(shown.state == "accepted", f"the message was {shown.state}: {shown.status}")
    stage.meter.wait_for_text("Thank you")
    before = stage.credit_wh()
    answer = stage.command("close_account")
    _require(answer.state == "accepted", f"the order was {answer.state}: {answer.status}")
    cleared = answer.detail["cleared_wh"]
    _require(cleared == before, f"{cleared} Wh were cleared instead of {before} Wh")
    stage.meter.wait_for(lambda meter: meter.relay == "open")
    stage.credit_must_be(0)
    return (
        f"the display said “Thank you”; {cleared / 1000:.1f} kWh are owed to {stage.customer}, "
        "none is left on the meter, and the load switch opened"
    )


STORY = (
    Step("Vend, keypad entry, the load switch closes", first_token),
    Step("Consumption, low-credit warning at the head-end", consumption_and_warning),
    Step("Zero: the load switch opens", zero_credit),
    Step("Remote token: the load switch closes", remote_token),
    Step("The same token again is refused as used", same_token_again),
    Step("Power cut in mid-write: nothing lost, nothing doubled", power_cuts),
    Step("Post-payment: the load stays on past zero", postpayment),
    Step("Back to prepayment", prepayment_again),
    Step("Forged commands are refused", forged_command),
    Step("Replayed commands are refused", replayed_command),
    Step("Expired commands are refused", expired_command),
    Step("A message, and the account is closed", message_and_closed_account),
)


def _grouped(digits: str) -> str:
    return " ".join(digits[start : start + 4] for start in range(0, 20, 4))


def _log_lines(meter: SimulatedMeter, text: str) -> int:
    return sum(text in line for line in meter.log)
