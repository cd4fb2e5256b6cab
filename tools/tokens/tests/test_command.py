"""`prepay token` as an engineer calls it."""

import json
from datetime import datetime

import pytest
from click.testing import CliRunner

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import create_user
from headend.audit.models import AuditEntry
from headend.design import figures
from headend.engineering.kinds import KINDS
from headend.fleet.models import Command
from headend.meters.models import KeyChange
from headend.testing import NOON, make_supply
from headend.vending.models import IssuedToken
from headend.vending.tests.key_meters import load_key
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_place(monkeypatch, settings, tmp_path):
    """A demonstration with keys of its own, at noon."""
    monkeypatch.setattr("tools.tokens.command._now", lambda: NOON)
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.AUDIT_KEY_FILE = tmp_path / "audit.key"


@pytest.fixture
def meter(db):
    return make_supply().meter


def run(*arguments):
    return CliRunner().invoke(main, ["token", *map(str, arguments)])


def told(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def approve():
    approver = create_user(username="approver", password=None, groups=("approver",))
    approvals.approve(Approval.objects.get(state="open"), by=approver, at=NOON)


def test_what_there_is_is_listed():
    assert [one["kind"] for one in told("kinds")["kinds"]] == list(KINDS)
    assert "limit_w: 0..18201624 W" in run("kinds").output


def test_a_test_token_is_made_and_listed(meter):
    made = told(
        "issue", meter.drn, "meter-test", "--set", "tests=3,7", "--set", "address=every",
        "--reason", "a look",
    )  # fmt: skip
    token = IssuedToken.objects.get()
    assert made["digits"] == token.digits
    assert made["purpose"].startswith("Test or display: total energy register, maximum power")
    assert told("list", meter.drn)["tokens"] == [made]
    assert str(token) in run("list", meter.drn).output


def test_sent_at_once_or_later(meter):
    issue = ("issue", meter.drn, "unbalance-limit", "--set", "limit_w=500", "--reason", "new")
    assert told(*issue, "--send")["delivery"] == "pending"
    later = told(*issue)
    assert told("send", later["token_id"])["delivery"] == "pending"
    assert Command.objects.count() == 2
    assert run("send", 999).exit_code == 2


def test_a_sensitive_one_waits(meter):
    done = run("issue", meter.drn, "clear-tamper", "--reason", "seal replaced")
    assert done.exit_code == 0
    assert "somebody else has to approve" in done.output
    assert not IssuedToken.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("power-limit", "--reason", "x"), 1),
        (("power-limit", "--set", "limit_w", "--reason", "x"), 2),
        (("free-energy", "--reason", "x"), 1),
        (("clear-tamper",), 2),
    ],
)
def test_what_makes_no_sense_is_refused(meter, arguments, status):
    assert run("issue", meter.drn, *arguments).exit_code == status


@pytest.mark.parametrize(("how", "state"), [("entered", "entered"), ("take-back", "withdrawn")])
def test_a_key_from_asking_to_its_end(meter, how, state):
    load_key()
    asked = told("change-key", meter.drn, "--krn", 2, "--tokens", 3, "--reason", "revision")
    assert asked["summary"].endswith("KRN 1 → 2")
    approve()
    shown = told("key", meter.drn)
    assert (shown["state"], shown["key"]["krn"], len(shown["tokens"])) == ("issued", 2, 3)
    assert "Key change issued" in run("key", meter.drn).output
    assert told("end-key-change", meter.drn, "send")["state"] == "issued"
    assert Command.objects.count() == 3
    assert run("end-key-change", meter.drn, how).exit_code == 2
    assert told("end-key-change", meter.drn, how, "--reason", "seen")["state"] == state
    assert KeyChange.objects.get().state == state
    assert run("end-key-change", meter.drn, "send").exit_code == 2


def test_a_token_is_verified_for_its_meter(meter):
    issued = told("issue", meter.drn, "meter-test", "--reason", "check")
    digits = issued["digits"]
    assert AuditEntry.objects.get(action="vending.issue_token").source.endswith("command line")
    found = told("verify", meter.drn, digits)
    assert (found["is_issued"], found["is_for_this_meter"]) == (True, True)
    assert found["token"]["purpose"] == issued["purpose"]
    other = make_supply().meter
    issued_at = datetime.fromisoformat(found["token"]["issued_at"])
    assert figures.moment(issued_at) in run("verify", meter.drn, digits).output
    found = told("verify", other.drn, digits)
    assert (found["is_issued"], found["is_for_this_meter"], found["token"]) == (True, False, None)
    assert not told("verify", meter.drn, "0" * 20)["is_issued"]
    assert run("verify", meter.drn, "123").exit_code == 2
    assert "for another meter" in run("verify", other.drn, digits).output
