"""Engineering tokens: the table, the second person, and what a meter's decoder reads of each."""

from datetime import timedelta

import pytest

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.audit import lives
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.engineering import services
from headend.engineering.acts import ACT_NAMES
from headend.engineering.errors import InvalidTokenFields, NotReplaceable, UnknownTokenKind
from headend.engineering.kinds import KINDS, REGISTERS, TESTS, kind_named
from headend.engineering.models import EngineeringToken
from headend.fleet.models import Command, Event
from headend.meters.models import KeyChange, Meter
from headend.meters.services import KeyAttributes
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.testing import NOON, make_supply
from headend.vending import disclosure, key_changes, reversals
from headend.vending.errors import ReversalRefused
from headend.vending.models import Disclosure, IssuedToken
from headend.vending.services import vend
from headend.vending.tests.key_meters import FieldMeter, load_key
from headend.vendors.models import Operator, Vendor
from shared.sts import decoder, generation, result
from shared.wire import codes

pytestmark = pytest.mark.django_db

# What each kind is given here, and what the decoder must read: class, subclass, value.
EXAMPLES = {
    "meter-test": ({"tests": [3, 7]}, (1, 0, 0b1000100)),
    "extended-read": ({"control": 5}, (1, 2, 5)),
    "power-limit": ({"limit_w": 4600}, (2, 0, 4600)),
    "clear-credit": ({}, (2, 1, 0)),
    "tariff-rate": ({"rate": 7}, (2, 2, 7)),
    "clear-tamper": ({}, (2, 5, 0)),
    "unbalance-limit": ({"limit_w": 500}, (2, 6, 500)),
    "water-factor": ({"factor": 12}, (2, 7, 12)),
    "extended-set": ({"index": 63, "value": 3}, (2, 10, 63 << 10 | 3)),
}


@pytest.fixture
def meter(db):
    return make_supply().meter


@pytest.fixture
def engineer(db):
    return create_user(username="engineer", password=None, groups=("engineer",))


@pytest.fixture
def approver(db):
    return create_user(username="approver", password=None, groups=("approver",))


def order(meter, slug, given, by):
    return services.order(kind_named(slug), meter, given, by=by, at=NOON, reason="a test")


def made(meter, slug, given, by, approver):
    ordered = order(meter, slug, given, by)
    if ordered.approval is not None:
        approvals.approve(ordered.approval, by=approver, at=NOON)
    return IssuedToken.objects.latest("pk")


def read(meter, digits):
    """Return class, subclass and value as the meter's own decoder reads them."""
    code, token = decoder.validate(FieldMeter(meter).state, digits)
    assert code == result.ACCEPT
    if token.token_class == 1:
        return 1, token.subclass, token.control
    is_limit = token.subclass in (0, 6)
    return 2, token.subclass, token.units if is_limit else token.value16


@pytest.mark.parametrize("slug", list(KINDS))
def test_a_meter_reads_what_was_ordered(slug, meter, engineer, approver):
    given, expected = EXAMPLES[slug]
    token = made(meter, slug, given, engineer, approver)
    assert read(meter, token.digits) == expected
    ordered = EngineeringToken.objects.get()
    assert (ordered.token, ordered.kind, ordered.reason) == (token, slug, "a test")
    assert (ordered.approved_by is None) is (not KINDS[slug].two_people)
    assert (token.tid is None) is (token.token_class == 1)


def test_every_test_of_the_standard_has_its_bit_and_its_name(meter, engineer):
    for number in TESTS:
        token = order(meter, "meter-test", {"tests": [number]}, engineer).token
        assert read(meter, token.digits)[2] == 1 << number - 1
    everything = order(meter, "meter-test", {"address": "every"}, engineer).token
    assert everything.digits == "56493153725450313471"  # published
    assert sorted(REGISTERS) == sorted(generation.REGISTERS)


def test_a_maker_of_four_digits_has_the_other_form(engineer):
    meter = make_supply(key=KeyAttributes(sgc=DEMONSTRATION_SGC)).meter
    Meter.objects.filter(pk=meter.pk).update(drn="0004200000003")
    meter.refresh_from_db()
    token = order(meter, "meter-test", {"address": "every"}, engineer).token
    assert token.digits == "02305843005052951967"  # published
    assert order(meter, "meter-test", {}, engineer).token.subclass == 1


@pytest.mark.parametrize("slug", [slug for slug, kind in KINDS.items() if kind.two_people])
def test_a_sensitive_one_needs_another_person(slug, meter, engineer):
    approval = order(meter, slug, EXAMPLES[slug][0], engineer).approval
    assert not IssuedToken.objects.exists()
    assert meter.drn in approval.summary
    engineer.groups.add(
        *create_user(username="x", password=None, groups=("approver",)).groups.all()
    )
    with pytest.raises(SamePerson):
        approvals.approve(approval, by=type(engineer).objects.get(pk=engineer.pk), at=NOON)
    with pytest.raises(NotPermitted, match="second person"):
        services.issue_approved(
            KINDS[slug], meter, {}, by=engineer, approved_by=None, at=NOON, reason="around it"
        )
    assert not IssuedToken.objects.exists()


def test_which_are_sensitive_is_said_once():
    assert {slug for slug, kind in KINDS.items() if kind.two_people} == {
        "power-limit",
        "clear-credit",
        "tariff-rate",
        "clear-tamper",
        "water-factor",
        "extended-set",
    }
    assert len(ACT_NAMES) == 6 + 2


@pytest.mark.parametrize(
    ("slug", "given"),
    [
        ("power-limit", {}),
        ("power-limit", {"limit_w": 18_201_625}),
        ("power-limit", {"limit_w": "4.6 kW"}),
        ("power-limit", {"limit_w": "٣"}),
        ("power-limit", {"limit_w": 1, "register": 0}),
        ("clear-credit", {"register": 8}),
        ("meter-test", {"tests": [19]}),
        ("extended-set", {"index": 64, "value": 0}),
    ],
)
def test_what_a_token_cannot_carry_is_refused_before_anybody_approves(
    slug, given, meter, engineer
):
    with pytest.raises(InvalidTokenFields):
        order(meter, slug, given, engineer)
    assert not Approval.objects.exists()
    with pytest.raises(UnknownTokenKind):
        kind_named("free-energy")


@pytest.mark.parametrize("group", ["cashier", "vendor manager", "vendor cashier", "tariff clerk"])
def test_only_engineers_order(group, meter):
    by = create_user(username="other", password=None, groups=(group,))
    for slug, (given, _) in EXAMPLES.items():
        with pytest.raises(NotPermitted):
            order(meter, slug, given, by)


def test_a_vendors_person_never_does_whatever_their_groups(meter, engineer):
    vendor = Vendor.objects.create(name="Corner shop", currency="ZAR", created_at=NOON)
    Operator.objects.create(user=engineer, vendor=vendor)
    with pytest.raises(NotPermitted, match="belongs to a vendor"):
        order(meter, "meter-test", {}, engineer)


def test_it_is_sent_to_the_meter_once_and_stands_in_its_life(meter, engineer):
    token = order(meter, "unbalance-limit", {"limit_w": 500}, engineer).token
    command = services.send(token, by=engineer, at=NOON)
    assert command == services.send(token, by=engineer, at=NOON)
    assert Command.objects.get().token_identifier == token.tid
    life = lives.of_object("meters.meter", str(meter.pk)).values_list("action", flat=True)
    assert {"vending.issue_token", "engineering.send"} <= set(life)
    assert token.digits not in str(list(AuditEntry.objects.values_list("after", flat=True)))


def sold_under_a_key_that_never_came(meter, engineer):
    load_key()
    field = FieldMeter(meter)
    change = key_changes.prepare(
        meter, changes={"krn": 2}, by=engineer, at=NOON, reason="revision"
    )
    sale = vend(
        caller="till",
        message_id="m1",
        meter=meter,
        tender_minor=5000,
        operator=create_user(username="cashier", password=None, groups=("cashier",)),
        at=NOON,
    )
    return field, change, sale.tokens.get(token_class=0)


def test_credit_is_made_again_for_a_meter_that_was_not_changed(meter, engineer, approver):
    field, _, token = sold_under_a_key_that_never_came(meter, engineer)
    assert field.enter(token.digits) == "CRCError"
    asked = services.order_replacement(token, by=engineer, at=NOON, reason="no new key")
    approvals.approve(asked, by=approver, at=NOON)
    again = EngineeringToken.objects.get(replaces=token).token
    assert (again.units, again.krn) == (token.units, 1)
    assert again.tid > token.tid
    assert field.enter(again.digits) == "Accept"
    assert Meter.objects.get(pk=meter.pk).krn == 2
    with pytest.raises(NotReplaceable, match="reissued already"):
        services.order_replacement(token, by=engineer, at=NOON, reason="greed")


def test_after_the_change_was_taken_back_too(meter, engineer, approver):
    field, change, token = sold_under_a_key_that_never_came(meter, engineer)
    key_changes.withdraw(change, by=engineer, at=NOON, reason="meter not reached")
    asked = services.order_replacement(token, by=engineer, at=NOON, reason="no new key")
    approvals.approve(asked, by=approver, at=NOON)
    assert field.enter(EngineeringToken.objects.get().token.digits) == "Accept"


def test_not_for_a_sale_that_was_taken_back_nor_is_it_taken_back_afterwards(
    meter, engineer, approver
):
    change_its_key(meter, engineer)
    first, second = (
        vend(
            caller="till",
            message_id=name,
            meter=meter,
            tender_minor=5000,
            operator=console_user(),
            at=NOON,
            hold_token=True,
        )
        for name in ("m1", "m2")
    )
    take_back(second)
    for sale in (first, second):
        with pytest.raises(NotReplaceable, match="nobody was given"):
            again(sale, engineer)
    disclosure.disclose(first, to=console_user(), how=Disclosure.How.SHOWN, at=NOON)
    approvals.approve(again(first, engineer), by=approver, at=NOON)
    with pytest.raises(ReversalRefused, match="made again"):
        take_back(first)


def change_its_key(meter, engineer):
    load_key()
    key_changes.prepare(meter, changes={"krn": 2}, by=engineer, at=NOON, reason="revision")


def again(sale, engineer):
    token = sale.tokens.get(token_class=0)
    return services.order_replacement(token, by=engineer, at=NOON, reason="no new key")


def take_back(sale):
    return reversals.reverse(
        caller="till",
        message_id=f"back {sale}",
        sale=sale,
        by=console_user(),
        at=NOON,
        reason="wrong",
    )


def test_credit_under_a_key_that_the_meter_has_no_more_is_made_again_once(
    meter, engineer, approver
):
    field = FieldMeter(meter)
    sale = vend(
        caller="till", message_id="m1", meter=meter, tender_minor=5000, operator=console_user(),
        at=NOON,
    )  # fmt: skip
    token = sale.tokens.get()
    load_key()
    later = NOON + timedelta(days=1)
    change = key_changes.prepare(
        meter, changes={"krn": 2}, by=engineer, at=later, reason="revision"
    )
    for one in key_changes.issue(change, by=engineer, at=later):
        field.enter(one.digits)
    with pytest.raises(NotReplaceable, match="has the key"):
        services.missed_change(token)  # not known to be entered: it may still be typed before
    key_changes.mark_entered(change, evidence="meter", by=None, at=later)
    assert field.enter(token.digits) == "CRCError"
    asked = services.order_replacement(token, by=engineer, at=later, reason="not entered")
    assert "under the key it has by now" in asked.summary
    approvals.approve(asked, by=approver, at=later)
    assert field.enter(EngineeringToken.objects.get().token.digits) == "Accept"
    with pytest.raises(NotReplaceable, match="reissued already"):
        services.order_replacement(token, by=engineer, at=later, reason="greed")


def test_not_if_the_meter_told_that_it_took_the_token_before(meter, engineer):
    sale = vend(
        caller="till", message_id="m1", meter=meter, tender_minor=5000, operator=console_user(),
        at=NOON,
    )  # fmt: skip
    token = sale.tokens.get()
    Event.objects.create(
        meter=meter, boot=1, seq=1, code=codes.EVENT_TOKEN_ACCEPTED, received_at=NOON,
        detail={"tid": token.tid},
    )  # fmt: skip
    change_its_key(meter, engineer)
    later = NOON + timedelta(days=1)
    change = KeyChange.objects.get()
    key_changes.issue(change, by=engineer, at=later)
    key_changes.mark_entered(change, evidence="meter", by=None, at=later)
    with pytest.raises(NotReplaceable, match="took this token"):
        services.order_replacement(token, by=engineer, at=later, reason="greed")


def test_not_once_the_meter_has_its_new_key(meter, engineer):
    _, change, token = sold_under_a_key_that_never_came(meter, engineer)
    key_changes.mark_entered(change, evidence="meter", by=None, at=NOON)
    with pytest.raises(NotReplaceable):
        services.order_replacement(token, by=engineer, at=NOON, reason="greed")
