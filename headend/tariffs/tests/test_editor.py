"""The editor's form says what its document says, and its buttons do what they say."""

from dataclasses import fields
from decimal import Decimal

import pytest
from django.http import QueryDict

from headend.tariffs import document, editor
from headend.tariffs.components import (
    KINDS,
    Energy,
    PerKwhLevy,
    PurchaseFee,
    Step,
    Tax,
    TenderDuty,
)
from headend.tariffs.errors import InvalidTariff
from headend.tariffs.examples import EXAMPLES
from headend.tariffs.purchases import Circumstances, examples, prices
from headend.tariffs.rules import TariffRules
from headend.tariffs.tests.form import posted
from headend.tariffs.tests.worked_tariffs import WORKED

RULES = {name: rules for name, (_, rules) in EXAMPLES.items()} | {
    name: worked.tariff for name, worked in WORKED.items()
}


def send(sent):
    query = QueryDict(mutable=True)
    for name, value in sent.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return editor.from_post(query, query.getlist, minor_digits=2)


def read(sent):
    return document.read(editor.filled(send(sent)))


@pytest.mark.parametrize("name", RULES)
def test_a_form_says_what_its_document_says(name):
    assert read(posted(document.write(RULES[name]))) == RULES[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_sells(name):
    _, rules = EXAMPLES[name]
    rules.check()
    for one in examples(rules, Circumstances(), [1000, 50_000]):
        assert one.calculation is not None
        assert sum(line.amount_minor for line in one.calculation.lines) == one.tender_minor
        assert all(line.explanation for line in one.calculation.lines)
    costs = [one.tender_minor or 0 for one in prices(rules, Circumstances())]
    assert costs == sorted(costs)
    assert costs[0] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_component_has_a_card_for_each_of_its_fields(kind):
    stated = editor.changed(document.write(EXAMPLES["steps"][1]), f"add:{kind}")
    card = editor.cards(stated)[-1]
    assert card.kind == kind
    assert {field.name.rpartition("-")[2] for field in card.fields} == {
        field.name for field in fields(KINDS[kind])
    }
    assert send(posted(stated))["components"][-1]["kind"] == kind


def test_components_move_and_go_and_get_rows():
    stated = document.write(EXAMPLES["levies"][1])
    names = [part["name"] for part in stated["components"]]

    def after(*buttons):
        changed = stated
        for button in buttons:
            changed = editor.changed(changed, button)
        return changed["components"]

    assert [part["name"] for part in after("down:0")] == [names[1], names[0], *names[2:]]
    assert after("down:0", "up:1") == stated["components"]
    assert after("up:0") == after("down:5") == after("remove:9") == stated["components"]
    assert [part["name"] for part in after("remove:2")] == names[:2] + names[3:]
    assert after("step:0")[0]["bands"][-1] == {"upto": "", "rate": ""}
    assert after("up:x") == after("nonsense") == after("add:nonsense") == stated["components"]


def test_rows_may_be_added_before_they_are_filled():
    """Two at once, say; what stays empty is no step."""
    stated = document.write(EXAMPLES["flat"][1])
    stated = editor.changed(send(posted(stated)), "step:0")
    again = editor.changed(send(posted(stated)), "step:0")
    assert [row["rate"] for row in again["components"][0]["steps"]] == ["2.50", "", ""]
    assert read(posted(again)) == EXAMPLES["flat"][1]


def test_renaming_a_component_keeps_what_refers_to_it():
    sent = posted(document.write(EXAMPLES["steps"][1])) | {"c-0-name": "Electricity"}
    rules = read(sent)
    tax = rules.components[1]
    assert isinstance(tax, Tax)
    assert tax.on == ("Electricity",)


def test_commas_are_read_as_points():
    sent = posted(document.write(EXAMPLES["flat"][1])) | {"c-0-steps-0-rate": "2,75"}
    energy = read(sent).energy
    assert isinstance(energy, Energy)
    assert energy.steps[0].rate == Decimal("2.75")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"c-0-steps-0-rate": ""}, "at least one step"),
        ({"c-0-steps-0-rate": "", "c-0-steps-0-upto": "5"}, "is not a number"),
        ({"c-0-steps-0-rate": "NaN"}, "is not a number"),
        ({"c-0-steps-0-rate": "1e99"}, "is not a number"),
        ({"c-0-steps-0-rate": "0"}, "can't be free"),
        ({"c-0-name": ""}, "needs a name"),
        ({"c-1-name": "Energy"}, "two components are called Energy"),
        ({"c-1-on": []}, "say which lines"),
        ({"c-1-on": ["1"]}, "does not stand before"),
        ({"c-0-window": "week"}, "is none of"),
        ({"c-0-window_days": "many"}, "is not a whole number"),
        ({"rounding-kwh_mode": "sideways"}, "kwh_mode: 'sideways' is none of"),
        ({"rounding-kwh_step": "0.00001"}, "whole number of Wh"),
        ({"rounding-residual_to": "9"}, "which is no component"),
        ({"fee_recovery-max_share_percent": "101"}, "between 0 and 100"),
    ],
)
def test_what_cannot_be_priced_is_told(change, told):
    with pytest.raises(InvalidTariff, match=told):
        read(posted(document.write(EXAMPLES["flat"][1])) | change)


def test_as_many_components_and_steps_as_a_file_may_have_survive_the_editor():
    levies = tuple(PerKwhLevy(f"Levy {n}", Decimal("0.01")) for n in range(60))
    steps = tuple(Step(Decimal(10 * n), Decimal(n)) for n in range(1, 71))
    rules = TariffRules((Energy("Energy", steps), *levies))
    assert read(posted(document.write(rules))) == rules


@pytest.mark.parametrize(
    ("part", "digits"),
    [
        (PurchaseFee("Fee", Decimal("2.505")), 2),
        (PurchaseFee("Fee", Decimal("2.5")), 0),
        (TenderDuty("Duty", from_tender=Decimal("10.001")), 2),
        (TenderDuty("Duty", from_tender=Decimal(10), amount=Decimal("0.001")), 2),
    ],
)
def test_what_no_coins_can_pay_is_refused(part, digits):
    energy = Energy("Energy", (Step(None, Decimal(2)),))
    with pytest.raises(InvalidTariff, match="can't be paid"):
        TariffRules((part, energy), minor_digits=digits).check()


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"format": "other"},
        {"format": document.FORMAT},
        {"format": document.FORMAT, "components": []},
        {"format": document.FORMAT, "components": [7]},
        {"format": document.FORMAT, "components": [{"kind": "gift", "name": "x"}]},
        {"format": document.FORMAT, "components": [{"kind": "energy", "name": "x"}]},
        {"format": document.FORMAT, "components": [{"kind": "energy", "name": "x", "steps": 7}]},
        {
            "format": document.FORMAT,
            "components": [{"kind": "purchase_fee", "name": "x", "amount": 1.5}],
        },
        {
            "format": document.FORMAT,
            "minor_digits": True,
            "components": [{"kind": "purchase_fee", "name": "x", "amount": "1"}],
        },
        {
            "format": document.FORMAT,
            "components": [{"kind": "purchase_fee", "name": "x", "amount": "1", "more": "1"}],
        },
    ],
)
def test_what_is_no_tariff_is_refused(broken):
    with pytest.raises(InvalidTariff):
        document.read(broken)
