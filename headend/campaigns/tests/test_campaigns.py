"""Key campaigns: whom they are for, two people to start, batches, the meter's answer, a report."""

from datetime import timedelta

import pytest

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.audit import lives
from headend.campaigns import progress, running, selection, services
from headend.campaigns.chores import go_on
from headend.campaigns.errors import CampaignNotFound, CampaignState, InvalidCampaign
from headend.campaigns.models import Campaign, CampaignMeter
from headend.campaigns.selection import Selection
from headend.campaigns.tests.conftest import meters, planned, started, worked
from headend.config.errors import NotPermitted
from headend.fleet.models import Command
from headend.meters.models import KeyChange, Meter
from headend.securitymodule.models import VendingKey
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.testing import NOON
from headend.vending import key_changes
from headend.vending.models import IssuedToken
from headend.vending.services import vend
from headend.vending.tests.key_meters import FieldMeter, load_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(db):
    """The demonstration's key and its next revision."""
    load_demonstration_keys(by=console_user(), at=NOON)
    load_key()


def stages(campaign):
    return {
        stage: count
        for stage, count in progress.in_all(progress.progress(campaign)).stages
        if count
    }


def buy(meter, message_id="m1"):
    return vend(
        caller="till",
        message_id=message_id,
        meter=meter,
        tender_minor=5000,
        operator=console_user(),
        at=NOON,
    )


@pytest.mark.parametrize("pre_code", [True, False])
def test_with_the_next_purchase_the_meter_gets_its_new_key(keys, engineer, approver, pre_code):
    (meter,) = meters(1)
    field = FieldMeter(meter)
    campaign = started(engineer, approver, pre_code=pre_code)
    worked(campaign)
    assert stages(campaign) == {"prepared": 1}
    assert IssuedToken.objects.count() == (2 if pre_code else 0)
    sale = buy(meter)
    assert stages(campaign) == {"handed out": 1}
    answers = [field.enter(one.digits) for one in sale.tokens.order_by("position")]
    assert answers == ["1stKCT", "Accept", "Accept"]
    key_changes._confirm(Meter.objects.get(), field.told() | {"sgc": meter.sgc}, NOON)
    assert stages(campaign) == {"confirmed": 1}
    worked(campaign)
    assert campaign.state == "finished"
    assert buy(meter, "m2").tokens.count() == 1


def test_meters_online_are_sent_their_tokens(keys, engineer, approver):
    online, offline = meters(1, online=True)[0], meters(1)[0]
    campaign = started(engineer, approver)
    worked(campaign)
    assert stages(campaign) == {"prepared": 1, "pushed": 1}
    digits = [token.digits for token in key_changes.tokens_of(KeyChange.objects.get(meter=online))]
    asked = Command.objects.order_by("pk")
    assert [(one.meter, one.arguments["digits"]) for one in asked] == [
        (online, each) for each in digits
    ]
    assert Meter.objects.get(pk=online.pk).krn == 2
    assert Meter.objects.get(pk=offline.pk).krn == 1


def test_a_refused_push_is_told_with_its_reason_and_the_purchase_still_helps(
    keys, engineer, approver
):
    (meter,) = meters(1, online=True)
    campaign = started(engineer, approver)
    worked(campaign)
    Command.objects.filter(pk=Command.objects.earliest("pk").pk).update(
        state="rejected", status=13
    )
    running.advance(campaign, at=NOON)
    assert stages(campaign) == {"failed": 1}
    ((code, explanation, count),) = progress.failures(campaign)
    assert (code, count) == ("push_refused", 1)
    assert "a wrong number" in explanation
    buy(meter)
    key_changes._confirm(Meter.objects.get(), {"krn": 2, "ti": 1, "sgc": DEMONSTRATION_SGC}, NOON)
    assert stages(campaign) == {"confirmed": 1}


def test_it_goes_in_batches_and_goes_on_where_it_was(keys, engineer, approver, monkeypatch):
    monkeypatch.setattr(selection, "BATCH", 2)
    monkeypatch.setattr(running, "AT_ONCE", 2)
    meters(5)
    campaign = started(engineer, approver)
    steps = []
    while not (work := running.advance(Campaign.objects.get(), at=NOON)).is_nothing:
        steps.append((work.enrolled, work.prepared))
    assert steps == [(2, 0), (2, 0), (1, 0), (0, 2), (0, 2), (0, 1)]
    assert stages(campaign) == {"prepared": 5}
    assert CampaignMeter.objects.count() == KeyChange.objects.count() == 5


def test_one_meter_that_cannot_be_changed_does_not_hold_up_the_others(keys, engineer, approver):
    first, second = meters(2)
    campaign = started(engineer, approver)
    running.advance(campaign, at=NOON)
    key_changes.prepare(
        first, changes={"ti": 5}, by=engineer, at=NOON, reason="another one came first"
    )
    worked(campaign)
    assert stages(campaign) == {"failed": 1, "prepared": 1}
    assert progress.failures(campaign)[0][0] == "key_change_under_way"
    key_changes.withdraw(
        KeyChange.objects.get(meter=first), by=engineer, at=NOON, reason="the campaign does it"
    )
    assert services.retry_failed(campaign, by=engineer, at=NOON, reason="cleared") == 1
    worked(campaign)
    assert stages(campaign) == {"prepared": 2}
    assert key_changes.under_way(second) is not None


def test_paused_nothing_more_is_made_and_resumed_it_goes_on(keys, engineer, approver):
    meters(2)
    campaign = started(engineer, approver)
    running.advance(campaign, at=NOON)
    services.pause(campaign, by=engineer, at=NOON, reason="holiday")
    worked(campaign)
    assert stages(campaign) == {"pending": 2}
    services.resume(campaign, by=engineer, at=NOON, reason="back")
    worked(campaign)
    assert stages(campaign) == {"prepared": 2}
    with pytest.raises(CampaignState):
        services.resume(campaign, by=engineer, at=NOON, reason="again")


def test_stopped_it_takes_back_what_nobody_was_given(keys, engineer, approver):
    given, kept = meters(2)
    campaign = started(engineer, approver)
    worked(campaign)
    buy(given)
    services.stop(campaign, by=engineer, at=NOON, reason="wrong group")
    worked(campaign)
    assert stages(campaign) == {"handed out": 1, "withdrawn": 1}
    assert buy(kept, "m2").tokens.count() == 1
    assert Meter.objects.get(pk=kept.pk).krn == 1
    with pytest.raises(CampaignState):
        services.stop(campaign, by=engineer, at=NOON, reason="again")


def test_a_roll_over_of_a_supply_group(engineer, approver):
    first, second = meters(2)
    VendingKey.objects.all().delete()
    load_key(krn=1, base_date=1993)
    load_key(krn=2, base_date=2014)
    Meter.objects.update(base_date=1993, last_tid=16_000_000)
    campaign = started(
        engineer,
        approver,
        name="roll-over",
        changes={"krn": 2, "base_date": 2014},
        selection=Selection(sgc=DEMONSTRATION_SGC, base_date=1993),
    )
    worked(campaign)
    field = FieldMeter(Meter.objects.get(pk=first.pk))
    field.state.fill_token_identifiers(16_000_000)
    answers = [field.enter(one.digits) for one in buy(first).tokens.order_by("position")]
    assert answers == ["1stKCT", "Accept", "Accept"]
    assert (field.state.base_date, Meter.objects.get(pk=first.pk).base_date) == (2014, 2014)
    assert Meter.objects.get(pk=second.pk).base_date == 1993


def test_the_dry_run_says_what_would_be_and_changes_nothing(keys, engineer):
    done, busy, ready = meters(3)
    Meter.objects.filter(pk=done.pk).update(krn=2)
    key_changes.prepare(busy, changes={"ti": 9}, by=engineer, at=NOON, reason="x")
    foreign = meters(1)[0]
    Meter.objects.filter(pk=foreign.pk).update(dkga=2)
    tried = services.dry_run(planned(engineer), at=NOON)
    assert (tried.selected, tried.have_it_already, tried.under_way, tried.to_change) == (
        4,
        1,
        1,
        1,
    )
    assert tried.groups == {DEMONSTRATION_SGC: 1}
    ((problem, count),) = tried.problems.items()
    assert "DKGA02" in problem
    assert count == 1
    assert not CampaignMeter.objects.exists()
    assert ready.pk


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Selection(sgc=DEMONSTRATION_SGC), 2),
        (Selection(sgc=DEMONSTRATION_SGC, krn=7), 0),
        (Selection(sgc=DEMONSTRATION_SGC, krn=1, base_date=2014), 2),
        (Selection(sgc=DEMONSTRATION_SGC, tariff="test"), 2),
        (Selection(sgc=DEMONSTRATION_SGC, tariff="other"), 0),
        (Selection(sgc=DEMONSTRATION_SGC, address="test road"), 2),
        (Selection(sgc=DEMONSTRATION_SGC, address="Elm"), 0),
        (Selection(sgc="999999"), 0),
    ],
)
def test_whom_it_is_for(wanted, expected):
    meters(2)
    assert sum(len(found) for found in wanted.batches(at=NOON)) == expected


def test_a_list_of_meters(keys, engineer):
    first, _ = meters(2)
    wanted = Selection(meters=(first.drn, "04999999990"))
    campaign = planned(engineer, selection=wanted)
    tried = services.dry_run(campaign, at=NOON)
    assert (tried.to_change, tried.unknown_numbers) == (1, ("04999999990",))
    assert Selection.of(campaign.selection) == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"changes": {}},
        {"changes": {"drn": "1"}},
        {"selection": Selection()},
    ],
)
def test_what_makes_no_campaign(engineer, wrong):
    with pytest.raises(InvalidCampaign):
        planned(engineer, **wrong)
    planned(engineer)
    with pytest.raises(InvalidCampaign, match="there is a campaign"):
        planned(engineer)
    with pytest.raises(CampaignNotFound):
        services.named("nothing")


def test_it_takes_two_people_to_start(keys, engineer):
    meters(1)
    campaign = planned(engineer)
    worked(campaign)
    assert not CampaignMeter.objects.exists()
    asked = services.request_start(campaign, by=engineer, at=NOON)
    with pytest.raises(CampaignState, match="approval already"):
        services.request_start(campaign, by=engineer, at=NOON)
    engineer.groups.add(
        *create_user(username="x", password=None, groups=("approver",)).groups.all()
    )
    with pytest.raises(SamePerson):
        approvals.approve(asked, by=type(engineer).objects.get(pk=engineer.pk), at=NOON)
    assert "1 meters of supply group 201457 to KRN 2" in Approval.objects.get().summary


def test_one_that_would_change_nothing_is_not_even_asked_for(engineer):
    meters(1)
    with pytest.raises(InvalidCampaign, match="no usable vending key"):
        services.request_start(planned(engineer), by=engineer, at=NOON)


@pytest.mark.parametrize("group", ["cashier", "vendor manager", "approver", "tariff clerk"])
def test_only_engineers_plan(group, db):
    with pytest.raises(NotPermitted):
        planned(create_user(username="other", password=None, groups=(group,)))


def test_the_report_has_every_meter(keys, engineer, approver):
    meters(3)
    campaign = started(engineer, approver)
    worked(campaign)
    buy(Meter.objects.earliest("pk"))
    rows = list(progress.sheet(campaign))
    assert rows[0] == list(progress.COLUMNS)
    assert [row[2] for row in rows[1:]] == ["handed out", "prepared", "prepared"]
    (group,) = progress.progress(campaign)
    assert (group.sgc, group.total, group.confirmed_percent) == (DEMONSTRATION_SGC, 3, 0)
    change = KeyChange.objects.earliest("pk")
    key_changes.mark_entered(
        change, evidence="person", by=engineer, at=NOON + timedelta(days=1), reason="seen"
    )
    assert progress.confirmed_by_day(campaign) == [((NOON + timedelta(days=1)).date(), 1)]
    actions = lives.of_object("campaigns.campaign", str(campaign.pk)).values_list(
        "action", flat=True
    )
    assert {"campaigns.plan", "campaigns.run", "vending.prepare_key_change"} <= set(actions)


def test_the_chore_does_the_work(keys, engineer, approver):
    meters(2)
    campaign = started(engineer, approver)
    assert go_on(at=NOON).told == "revision 2: 2 meters"
    assert stages(campaign) == {"prepared": 2}
