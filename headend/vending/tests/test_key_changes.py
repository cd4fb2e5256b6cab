"""Key changes: tokens that a meter takes, and under which key it is vended for when."""

from datetime import timedelta

import pytest

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.fleet.models import Command, MeterLink, MeterState
from headend.meters.models import KeyChange, Meter
from headend.meters.services import KeyAttributes
from headend.securitymodule.errors import KeyMissing, VendingKeyExpired
from headend.securitymodule.models import VendingKey
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.securitymodule.tokens import Credit
from headend.testing import NOON, make_supply
from headend.vending import key_change_due, key_changes
from headend.vending.errors import InvalidKeyChange, KeyChangeOver, KeyChangeUnderWay
from headend.vending.issuing import issue
from headend.vending.models import IssuedToken, TokenDelivery
from headend.vending.receipts import receipt_of
from headend.vending.reversals import reverse
from headend.vending.services import send_to_meter, vend
from headend.vending.tests.key_meters import FieldMeter, load_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(db):
    return make_supply().meter


def prepare(meter, *, at=NOON, **changes):
    more = {name: changes.pop(name) for name in ("token_count", "with_tokens") if name in changes}
    return key_changes.prepare(
        meter, changes=changes, by=console_user(), at=at, reason="revision", **more
    )


def given_out(change, *, at=NOON):
    return key_changes.issue(change, by=console_user(), at=at)


def credit(meter, *, at=NOON):
    return issue(meter=meter, content=Credit(100), purpose="test", by=console_user(), at=at)


def stored(meter):
    return Meter.objects.get(pk=meter.pk)


@pytest.mark.parametrize(
    ("ea", "changes", "token_count", "expected"),
    [
        (7, {"krn": 2}, None, 2),
        (7, {"krn": 2}, 3, 3),
        (7, {"krn": 2, "sgc": "201458"}, None, 3),
        (11, {"krn": 2}, None, 4),
        (7, {"krn": 2, "ti": 7}, None, 2),
    ],
)
def test_the_meter_takes_the_set_and_then_only_credit_of_the_new_key(
    ea, changes, token_count, expected
):
    meter = make_supply(key=KeyAttributes(sgc=DEMONSTRATION_SGC, ea=ea)).meter
    load_key(**{name: value for name, value in changes.items() if name != "ti"})
    field = FieldMeter(meter)
    assert field.enter(credit(meter).digits) == "Accept"
    tokens = given_out(prepare(meter, token_count=token_count, **changes))
    under_new_key = credit(meter)
    assert field.enter(under_new_key.digits) == "CRCError"
    assert len(tokens) == expected
    assert field.enter(tokens[0].digits) == "1stKCT"
    answers = [field.enter(token.digits) for token in tokens[1:]]
    assert answers[-1] == "Accept"
    assert field.enter(under_new_key.digits) == "Accept"
    assert (field.state.krn, field.state.ti) == (meter.krn, meter.ti)
    assert [(token.tid, token.krn, token.token_class) for token in tokens] == [
        (None, 1, 2)
    ] * expected


def test_until_it_is_issued_the_meter_is_vended_for_under_its_old_key(meter):
    load_key()
    field = FieldMeter(meter)
    change = prepare(meter, krn=2)
    assert stored(meter).krn == 1
    assert field.enter(credit(meter).digits) == "Accept"
    given_out(change)
    assert stored(meter).krn == 2
    assert stored(meter).has_key_change_due


def test_a_roll_over_clears_identifiers_and_goes_on_on_the_new_base_date():
    VendingKey.objects.filter(sgc=DEMONSTRATION_SGC).delete()
    meter = make_supply().meter
    Meter.objects.filter(pk=meter.pk).update(base_date=1993, last_tid=16_000_000)
    load_key(krn=1, base_date=1993)
    load_key(krn=2, base_date=2014, ken=255)
    field = FieldMeter(stored(meter))
    field.state.fill_token_identifiers(16_000_000)
    change = prepare(meter, krn=2, base_date=2014)
    assert change.is_roll_over
    tokens = given_out(change)
    assert stored(meter).last_tid is None
    first = credit(meter)
    assert first.tid < 16_000_000
    for token in tokens:
        field.enter(token.digits)
    assert field.enter(first.digits) == "Accept"
    assert (field.state.base_date, change.previous_last_tid) == (2014, 16_000_000)

    key_changes.withdraw(change, by=None, at=NOON, reason="not entered")
    back = stored(meter)
    assert (back.base_date, back.krn, back.last_tid) == (1993, 1, 16_000_000)
    given_out(prepare(meter, krn=2, base_date=2014))
    assert credit(meter).tid == first.tid + 1


def test_what_was_given_out_can_be_given_out_again_and_is_the_same(meter):
    load_key()
    change = prepare(meter, krn=2)
    again = [token.digits for token in given_out(change)]
    assert [token.digits for token in given_out(change)] == again
    assert IssuedToken.objects.filter(key_change=change).count() == 2
    assert AuditEntry.objects.filter(action="vending.issue_key_change").count() == 1


def test_tokens_can_be_made_when_they_are_due(meter):
    load_key()
    change = prepare(meter, krn=2, with_tokens=False)
    assert not key_changes.tokens_of(change)
    assert len(given_out(change)) == 2


def test_taken_back_the_meter_keeps_its_old_key(meter):
    load_key()
    field = FieldMeter(meter)
    change = prepare(meter, krn=2)
    given_out(change)
    last = credit(meter)
    key_changes.withdraw(change, by=console_user(), at=NOON, reason="meter not reached")
    assert (stored(meter).krn, stored(meter).has_key_change_due) == (1, False)
    after = credit(meter)
    assert after.tid > last.tid
    assert field.enter(after.digits) == "Accept"
    with pytest.raises(KeyChangeOver):
        key_changes.withdraw(change, by=None, at=NOON, reason="again")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, InvalidKeyChange),
        ({"krn": 1}, InvalidKeyChange),
        ({"krn": 10}, InvalidKeyChange),
        ({"base_date": 1993}, InvalidKeyChange),
        ({"base_date": 2020}, InvalidKeyChange),
        ({"krn": 3}, KeyMissing),
    ],
)
def test_impossible_changes_are_refused_and_leave_nothing(meter, changes, refusal):
    with pytest.raises(refusal):
        prepare(meter, **changes)
    assert not KeyChange.objects.exists()
    assert not stored(meter).has_key_change_due


def test_a_change_to_an_expired_key_is_refused_but_away_from_one_it_is_made(meter):
    load_key(krn=2, ken=10)
    with pytest.raises(VendingKeyExpired):
        prepare(meter, krn=2)
    VendingKey.objects.filter(krn=1).update(active_until=NOON - timedelta(days=1))
    load_key(krn=3)
    assert len(given_out(prepare(meter, krn=3))) == 2


def test_one_change_at_a_time(meter):
    load_key()
    prepare(meter, krn=2)
    with pytest.raises(KeyChangeUnderWay):
        prepare(meter, krn=2)


def test_sent_to_the_meter_in_order_of_entry_once(meter):
    load_key()
    change = prepare(meter, krn=2)
    commands = key_changes.push(change, by=None, at=NOON)
    digits = [token.digits for token in key_changes.tokens_of(change)]
    assert [command.arguments["digits"] for command in commands] == digits
    assert [one.pk for one in key_changes.push(change, by=None, at=NOON)] == [
        one.pk for one in commands
    ]
    assert TokenDelivery.objects.count() == 2


def test_taken_back_its_tokens_are_sent_no_more(meter):
    load_key()
    change = prepare(meter, krn=2)
    first, _ = key_changes.push(change, by=None, at=NOON)
    Command.objects.filter(pk=first.pk).update(state="published", number=1)
    key_changes.withdraw(change, by=console_user(), at=NOON, reason="another day")
    assert {one.state for one in Command.objects.all()} == {"cancelled"}


@pytest.mark.parametrize(
    ("told", "entered"),
    [
        ({"krn": 2, "ti": 1, "sgc": DEMONSTRATION_SGC}, True),
        ({"krn": 2, "ti": 1, "sgc": "000000"}, True),
        ({"krn": 1, "ti": 1, "sgc": DEMONSTRATION_SGC}, False),
        ({"krn": 2, "ti": 2, "sgc": DEMONSTRATION_SGC}, False),
        ({}, False),
    ],
)
def test_the_meters_report_ends_the_change(meter, told, entered):
    load_key()
    change = prepare(meter, krn=2)
    given_out(change)
    key_changes._confirm(meter, told, NOON)
    change.refresh_from_db()
    assert change.state == ("entered" if entered else "issued")
    assert change.evidence == ("meter" if entered else "")
    assert stored(meter).has_key_change_due is not entered


def buy(meter, message_id, *, at=NOON, **more):
    return vend(
        caller="till",
        message_id=message_id,
        meter=meter,
        tender_minor=5000,
        operator=console_user(),
        at=at,
        **more,
    )


@pytest.mark.parametrize("with_tokens", [True, False])
def test_a_purchase_prints_the_new_keys_tokens_before_the_credit(meter, with_tokens):
    load_key()
    field = FieldMeter(meter)
    prepare(meter, krn=2, token_count=3, with_tokens=with_tokens)
    sale = buy(meter, "first")
    receipt = receipt_of(sale)
    assert [token.title for token in receipt.tokens] == [
        "New key 1 of 3",
        "New key 2 of 3",
        "New key 3 of 3",
        "Electricity",
    ]
    assert "Enter the first 3 before" in receipt.how_to_enter
    assert dict(receipt.key_attributes)["KRN"] == "2"
    answers = [field.enter(token.digits) for token in receipt.tokens]
    assert answers == ["1stKCT", "2ndKCT", "Accept", "Accept"]


def test_the_old_keys_tokens_are_worthless_once_it_is_changed(meter):
    load_key()
    field = FieldMeter(meter)
    old = credit(meter)
    prepare(meter, krn=2)
    for token in buy(meter, "first").tokens.order_by("position"):
        field.enter(token.digits)
    assert field.enter(old.digits) == "CRCError"


def test_they_are_printed_until_so_many_purchases_prove_that_they_were_entered(meter):
    load_key()
    change = prepare(meter, krn=2)
    counts = [buy(meter, f"m{number}").tokens.count() for number in range(5)]
    assert counts == [3, 3, 3, 1, 1]
    change.refresh_from_db()
    assert (change.state, change.evidence, change.hand_outs) == ("entered", "purchases", 3)
    assert change.tokens.count() == 2 + 3 * 2


def test_purchases_whose_tokens_nobody_was_given_prove_nothing(meter):
    load_key()
    field = FieldMeter(meter)
    change = prepare(meter, krn=2)
    for number in range(key_change_due.HAND_OUTS):
        held = buy(meter, f"held {number}", hold_token=True)
        reverse(
            caller="till", message_id=f"back {number}", sale=held, by=console_user(), at=NOON,
            reason="left the shop",
        )  # fmt: skip
    sale = buy(meter, "in the end")
    answers = [field.enter(token.digits) for token in sale.tokens.order_by("position")]
    assert answers == ["1stKCT", "Accept", "Accept"]
    change.refresh_from_db()
    assert (change.state, change.hand_outs) == ("issued", 1)


def test_neither_purchases_nor_a_person_count_against_the_meters_own_word(meter):
    load_key()
    change = prepare(meter, krn=2)
    tell_key(meter, krn=1)
    counts = [buy(meter, f"m{number}").tokens.count() for number in range(4)]
    assert counts == [3, 3, 3, 3]
    with pytest.raises(InvalidKeyChange, match="tells that it has its old key"):
        key_changes.mark_entered(change, evidence="person", by=console_user(), at=NOON)


def tell_key(meter, *, krn):
    MeterLink.objects.update_or_create(meter=meter, defaults={"online": True})
    MeterState.objects.create(
        meter=meter, received_at=NOON, boot=1, revision=1, boot_nonce="abcd",
        clock_quality="set", payment_mode="prepayment", account_status="active", credit_wh=0,
        relay_closed=False, last_boot=0, last_seq=0, last_command_number=0,
        content={"krn": krn, "ti": meter.ti, "sgc": meter.sgc},
    )  # fmt: skip


def test_what_was_noted_as_entered_by_mistake_is_taken_back(meter):
    load_key()
    field = FieldMeter(meter)
    change = prepare(meter, krn=2)
    given_out(change)
    key_changes.mark_entered(change, evidence="person", by=console_user(), at=NOON)
    key_changes.withdraw(change, by=console_user(), at=NOON, reason="it was another meter")
    assert field.enter(credit(stored(meter)).digits) == "Accept"
    told = prepare(stored(meter), krn=2)
    given_out(told)
    key_changes.mark_entered(told, evidence="meter", by=None, at=NOON)
    with pytest.raises(KeyChangeOver):
        key_changes.withdraw(told, by=console_user(), at=NOON, reason="the meter said so itself")


def test_credit_that_was_not_entered_goes_to_the_meter_before_its_new_key(meter):
    load_key()
    first, second = (buy(meter, name).tokens.get().digits for name in ("first", "second"))
    change = prepare(meter, krn=2)
    new = [token.digits for token in key_changes.tokens_of(change)]
    later = NOON + timedelta(minutes=5)
    key_changes.push(change, by=None, at=later)
    sent = [one.arguments["digits"] for one in Command.objects.order_by("pk")]
    assert sent == [first, second, *new]


def test_sent_with_a_sale_it_goes_first_too(meter):
    load_key()
    first = buy(meter, "first").tokens.get().digits
    prepare(meter, krn=2)
    later = NOON + timedelta(minutes=5)
    second = buy(meter, "second", send=True, at=later)
    printed = [token.digits for token in second.tokens.order_by("position")]
    buy(meter, "third", send=True, at=later + timedelta(minutes=5))
    sent = [one.arguments["digits"] for one in Command.objects.order_by("pk")]
    assert sent[:-1] == [first, *printed]


def test_sent_after_a_sale_it_goes_first_too(meter):
    load_key()
    first = buy(meter, "first").tokens.get().digits
    prepare(meter, krn=2)
    second = buy(meter, "second", at=NOON + timedelta(minutes=5))
    printed = [token.digits for token in second.tokens.order_by("position")]
    send_to_meter(sale=second, by=console_user(), at=NOON + timedelta(minutes=6))
    sent = [one.arguments["digits"] for one in Command.objects.order_by("pk")]
    assert sent == [first, *printed]


def test_sent_after_the_meter_told_only_the_credit_goes(meter):
    load_key()
    prepare(meter, krn=2)
    sale = buy(meter, "first")
    key_changes._confirm(meter, {"krn": 2, "ti": 1, "sgc": DEMONSTRATION_SGC}, NOON)
    (command,) = send_to_meter(sale=sale, by=console_user(), at=NOON)
    assert command.arguments["digits"] == sale.tokens.get(token_class=0).digits


def test_a_meter_that_has_the_new_key_already_is_sent_none_of_its_tokens(meter):
    load_key()
    prepare(meter, krn=2)
    tell_key(meter, krn=2)
    sale = buy(meter, "first", send=True)
    assert [one.token_class for one in sale.tokens.all()] == [0]
    assert Command.objects.count() == 1
    assert (KeyChange.objects.get().evidence, stored(meter).krn) == ("meter", 2)
    assert not stored(meter).has_key_change_due


def test_nor_is_it_by_a_person_or_a_campaign(meter):
    load_key()
    change = prepare(meter, krn=2)
    tell_key(meter, krn=2)
    assert key_changes.push(change, by=None, at=NOON) == []
    assert change.state == "entered"


def test_they_are_printed_no_more_once_the_meter_has_told(meter):
    load_key()
    change = prepare(meter, krn=2)
    buy(meter, "first")
    key_changes._confirm(meter, {"krn": 2, "ti": 1, "sgc": DEMONSTRATION_SGC}, NOON)
    assert buy(meter, "second").tokens.count() == 1
    assert KeyChange.objects.get(pk=change.pk).evidence == "meter"


def test_sent_with_a_sale_they_go_first(meter):
    load_key()
    key_changes.push(prepare(meter, krn=2), by=None, at=NOON)
    sale = buy(meter, "first", send=True)
    printed = [token.digits for token in sale.tokens.order_by("position")]
    asked = [one.arguments["digits"] for one in Command.objects.order_by("pk")]
    assert asked == printed
    assert all(token.delivery for token in sale.tokens.all())
