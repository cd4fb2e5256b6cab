"""`prepay campaign` as an engineer calls it."""

import csv
import json

import pytest
from click.testing import CliRunner

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.campaigns.models import Campaign
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.testing import NOON, make_supply
from headend.vending.tests.key_meters import load_key
from tools.prepay import main

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_place(monkeypatch, settings, tmp_path):
    """A demonstration with keys of its own, at noon."""
    monkeypatch.setattr("tools.campaign.command._now", lambda: NOON)
    settings.DEMONSTRATION = True
    settings.MASTER_KEY_FILE = tmp_path / "master.key"
    settings.AUDIT_KEY_FILE = tmp_path / "audit.key"


@pytest.fixture
def meters(db):
    load_demonstration_keys(by=console_user(), at=NOON)
    load_key()
    return [make_supply().meter for _ in range(2)]


def run(*arguments):
    return CliRunner().invoke(main, ["campaign", *map(str, arguments)])


def told(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def plan(*more):
    return run(
        "plan", "revision 2", "--sgc", DEMONSTRATION_SGC, "--base-date", "2014", "--new-krn", 2,
        "--reason", "the old key is old", *more,
    )  # fmt: skip


def started():
    run("start", "revision 2")
    approver = create_user(username="approver", password=None, groups=("approver",))
    approvals.approve(Approval.objects.get(state="open"), by=approver, at=NOON)


def test_from_plan_to_report(meters, tmp_path):
    planned = plan().output
    assert "draft; supply group 201457, base date 2014 to krn 2" in planned
    assert told("try", "revision 2")["to_change"] == 2
    assert "2 of 2 selected meters would get a new key" in run("try", "revision 2").output
    started()
    assert told("run", "revision 2")["groups"][0]["prepared"] == 2
    assert "2 prepared" in run("show", "revision 2").output
    assert "revision 2: running" in run("list").output
    file = tmp_path / "report.csv"
    assert run("report", "revision 2", "--output", file).exit_code == 0
    rows = list(csv.reader(file.open()))
    assert [row[2] for row in rows] == ["stage", "prepared", "prepared"]
    assert run("report", "revision 2").output.startswith("meter,sgc,stage")


def test_paused_resumed_stopped(meters):
    plan("--when-due", "--no-push")
    campaign = Campaign.objects.get()
    assert (campaign.pre_code, campaign.push) == (False, False)
    started()
    assert told("pause", "revision 2", "--reason", "holiday")["state"] == "paused"
    assert told("resume", "revision 2", "--reason", "back")["state"] == "running"
    assert told("retry", "revision 2", "--reason", "again")["state"] == "running"
    assert told("stop", "revision 2", "--reason", "wrong")["state"] == "stopped"
    assert run("pause", "revision 2", "--reason", "x").exit_code == 1


def test_a_list_of_meters_and_a_roll_over(meters, tmp_path):
    file = tmp_path / "meters.txt"
    file.write_text(f"{meters[0].drn}\n04999999990\n")
    done = run(
        "plan", "listed", "--meters", file, "--new-base-date", "2035", "--new-sgc", "201458",
        "--reason", "a try",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert Campaign.objects.get().changes == {"base_date": 2035, "sgc": "201458"}
    output = run("try", "listed").output
    assert "Not registered: 04999999990" in output
    assert "1 can't be changed: no usable vending key of SGC 201458" in output


def test_what_is_not_there_is_refused(db):
    for command in ("try", "show", "start", "run", "report"):
        assert run(command, "nothing").exit_code == 1
