"""`prepay vend` and `prepay meter` as a user scripts them, on a database of their own."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from headend.fleet.delivery import State
from headend.fleet.models import Command, MeterLink, MeterState
from headend.testing import NOON, make_meter
from tools.headend.command import meter as meter_commands
from tools.interpreters import REPOSITORY

DRN = "04100000019"
OTHER_DRN = "04100000027"


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    """A seeded demonstration; the commands themselves are not told that it is one."""
    folder = tmp_path_factory.mktemp("data")
    environ = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    environ["OPENPREPAY_DATA"] = str(folder)
    seeding = environ | {"OPENPREPAY_DEMONSTRATION": "1"}
    for command in (["migrate"], ["seed_demonstration", "--without-vendor"]):
        subprocess.run(
            [sys.executable, "-m", "headend.manage", *command, "--skip-checks", "-v", "0"],
            env=seeding,
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
        )
    return environ


@pytest.fixture
def prepay(environ):
    """Runs a command line; returns (exit status, standard output, standard error)."""

    def run(*arguments, **variables):
        done = subprocess.run(
            [sys.executable, "-c", "from tools.prepay import main; main()", *arguments],
            env=environ | variables,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_vend_prints_a_receipt_and_json_has_the_same(prepay):
    request = ("vend", "--meter", DRN, "--amount", "50.00", "--message-id", "one")
    status, text, _ = prepay(*request)
    assert status == 0
    status, answer, _ = prepay(*request, "--json")
    assert status == 0
    sale = json.loads(answer)
    assert (sale["tender_minor"], sale["issued_wh"], sale["customer"]) == (
        5000,
        17300,
        "Thandi Mokoena",
    )
    (token,) = sale["tokens"]
    assert " ".join(token[i : i + 4] for i in range(0, 20, 4)) in text
    assert sale["receipt_number"] in text
    assert sum(line["amount_minor"] for line in sale["lines"]) == 5000
    assert sale["delivery"] == [None]


def test_same_id_for_another_amount_is_refused(prepay):
    prepay("vend", "--meter", DRN, "--amount", "50", "--message-id", "two")
    request = ("vend", "--meter", DRN, "--amount", "51", "--message-id", "two")
    status, _, errors = prepay(*request)
    assert status == 1
    assert "choose a new id" in errors
    status, answer, _ = prepay(*request, "--json")
    assert status == 1
    assert json.loads(answer)["error"]["code"] == "message_conflict"


def test_every_vend_without_an_id_is_a_new_one(prepay):
    request = ("vend", "--meter", DRN, "--amount", "20", "--json")
    first, second = (json.loads(prepay(*request)[1]) for _ in range(2))
    assert first["message_id"] != second["message_id"]
    assert first["tokens"] != second["tokens"]


def test_trial_and_send(prepay):
    status, answer, _ = prepay("vend", "--meter", DRN, "--amount", "20", "--trial", "--json")
    assert status == 0
    assert "tokens" not in json.loads(answer)
    status, answer, _ = prepay("vend", "--meter", DRN, "--kwh", "12.5", "--trial", "--json")
    assert status == 0
    assert json.loads(answer)["issued_wh"] == 12500
    abroad = ("--kwh", "12.5", "--currency", "eur", "--trial", "--json")
    status, answer, _ = prepay("vend", "--meter", DRN, *abroad)
    assert (status, json.loads(answer)["error"]["code"]) == (1, "currency_not_accepted")
    for wrong in (("--kwh", "10"), ("--kwh", "x", "--trial"), (), ("--kwh", "1", "--amount", "1")):
        assert prepay("vend", "--meter", DRN, *wrong)[0] == 2
    status, answer, _ = prepay("vend", "--meter", DRN, "--amount", "20", "--send", "--json")
    assert status == 0
    assert json.loads(answer)["delivery"] == ["pending"]


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "1e3", "٥٠", "", "abc", "0.00"])
def test_impossible_amounts_are_wrong_usage(prepay, amount):
    status, _, errors = prepay("vend", "--meter", DRN, f"--amount={amount}")
    assert status == 2
    assert "amount" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("04100000018", "meter_number_invalid"),
        ("0410000001", "meter_number_invalid"),
        ("01234567897", "meter_not_found"),
    ],
)
def test_unknown_meters_are_refused_with_a_code(prepay, number, code):
    for command in (("vend", "--amount", "5", "--meter", number), ("meter", "show", number)):
        status, answer, _ = prepay(*command, "--json")
        assert status == 1
        assert json.loads(answer)["error"]["code"] == code


def test_meter_show(prepay):
    status, answer, _ = prepay("meter", "show", OTHER_DRN, "--json")
    assert status == 0
    facts = json.loads(answer)
    assert (facts["meter"], facts["sgc"], facts["state"]) == (OTHER_DRN, "201457", None)
    assert facts["customer"] == "Pieter van der Merwe"
    assert (facts["online"], facts["last_heard_at"]) == (False, None)
    status, text, _ = prepay("meter", "show", OTHER_DRN)
    assert status == 0
    assert "Pieter van der Merwe" in text


@pytest.mark.django_db
def test_meter_show_says_whether_the_meter_is_connected():
    meter = make_meter()
    heard = datetime(2026, 11, 21, 12, tzinfo=UTC)
    MeterLink.objects.create(meter=meter, online=True, last_heard_at=heard)
    answer = CliRunner().invoke(meter_commands, ["show", meter.drn, "--json"])
    facts = json.loads(answer.output)
    assert facts["online"] is True
    assert datetime.fromisoformat(facts["last_heard_at"]) == heard


def test_meter_mode_is_queued_and_unknown_until_the_meter_answers(prepay):
    status, answer, _ = prepay("meter", "mode", OTHER_DRN, "postpayment", "--json")
    assert status == 0
    assert json.loads(answer)["state"] == "pending"
    facts = json.loads(prepay("meter", "show", OTHER_DRN, "--json")[1])
    assert facts["intended_payment_mode"] == "postpayment"
    status, _, _ = prepay("meter", "mode", OTHER_DRN, "postpayment", "--wait", "--timeout", "0.3")
    assert status == 3
    assert prepay("meter", "mode", OTHER_DRN, "credit")[0] == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "shown"), [(7, "postpayment"), (None, "prepayment")], ids=["told", "silent"]
)
def test_waiting_for_a_mode_ends_when_the_stored_state_shows_it(monkeypatch, told, shown):
    """The meter's state comes up to a second after its answer."""
    meter = make_meter()
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds
        if now[0] > 1 and not Command.objects.filter(state=State.ACCEPTED).exists():
            Command.objects.update(state=State.ACCEPTED, number=7)
        if now[0] > 2 and told is not None:
            MeterState.objects.update(payment_mode="postpayment", last_command_number=told)

    time = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0])
    monkeypatch.setattr("tools.headend.command.time", time)
    MeterState.objects.create(
        meter=meter,
        received_at=NOON,
        payment_mode="prepayment",
        credit_wh=0,
        boot=1,
        revision=1,
        relay_closed=True,
        last_boot=1,
        last_seq=0,
        last_command_number=6,
    )
    answer = CliRunner().invoke(meter_commands, ["mode", meter.drn, "postpayment", "--wait"])
    assert answer.exit_code == 0
    assert MeterState.objects.get().payment_mode == shown
    assert 2 < now[0] < 15


def test_meter_warn_below_changes_the_agreement(prepay):
    status, answer, _ = prepay("meter", "warn-below", OTHER_DRN, "7.5", "--json")
    assert status == 0
    assert json.loads(answer) == {
        "meter": OTHER_DRN,
        "customer": "Pieter van der Merwe",
        "low_credit_threshold_wh": 7500,
    }
    facts = json.loads(prepay("meter", "show", OTHER_DRN, "--json")[1])
    assert facts["low_credit_threshold_wh"] == 7500
    status, answer, _ = prepay("meter", "warn-below", OTHER_DRN, "10001", "--json")
    assert status == 1
    assert json.loads(answer)["error"]["code"] == "low_credit_threshold_invalid"
    status, _, errors = prepay("meter", "warn-below", OTHER_DRN, "1.25")
    assert status == 2
    assert "one decimal at most" in errors


def test_database_that_was_never_set_up(prepay, tmp_path):
    status, _, errors = prepay("meter", "show", DRN, OPENPREPAY_DATA=str(tmp_path))
    assert status == 1
    assert "make run" in errors


def test_database_that_does_not_answer_is_unknown_not_refused(prepay):
    url = "postgres://nobody@127.0.0.1:1/nothing?connect_timeout=1"
    status, answer, _ = prepay(
        *("vend", "--meter", DRN, "--amount", "5", "--message-id", "x", "--json"),
        DATABASE_URL=url,
    )
    assert status == 3
    error = json.loads(answer)["error"]
    assert error["code"] == "unknown"
    assert "--message-id x" in error["message"]
