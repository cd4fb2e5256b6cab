"""The table of engineering tokens: what each carries, who may order it, what it does.

A kind that names a reason under `two_people` is issued only when somebody else approves.
Subclasses and units: IEC 62055-41, clause on tokens of class 1 and 2. Proprietary subclasses are
left out, for only their maker knows what they do; key changes are in `key_orders`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headend.engineering.errors import InvalidTokenFields, UnknownTokenKind
from headend.meters.models import Meter
from headend.securitymodule.tokens import Content, Management, MeterTest
from shared.sts import amount
from shared.sts import token as sts_token

Values = Mapping[str, Any]

# Test n is bit n - 1 of the control field; no test at all stands for all of them.
TESTS = {
    1: "load switch",
    2: "display and indicators",
    3: "total energy register",
    4: "key revision and key type",
    5: "tariff index",
    6: "keypad or token reader",
    7: "maximum power limit",
    8: "tamper status",
    9: "power now",
    10: "firmware version",
    11: "phase unbalance limit",
    12: "water meter factor",
    13: "tariff rate",
    14: "encryption algorithm",
    15: "number of key-change tokens",
    16: "supply group code",
    17: "key expiry number",
    18: "meter number",
}
ALL_TESTS = 0
_CONTROL_BITS = {0: 36, 1: 28}  # by subclass

REGISTERS = {
    0xFFFF: "all registers", 0: "electricity, kWh", 1: "water, m³", 2: "gas, m³", 3: "time, min",
    4: "electricity, money", 5: "water, money", 6: "gas, money", 7: "time, money",
}  # fmt: skip

OWN, EVERY = "own", "every"
_ADDRESSES = {OWN: "meters of this maker", EVERY: "meters of every maker"}


@dataclass(frozen=True)
class Field:
    """One thing to fill in: a whole number within its range, a choice, or several."""

    name: str
    label: str
    unit: str = ""
    minimum: int = 0
    maximum: int = 0xFFFF
    choices: Mapping[Any, str] | None = None
    is_many: bool = False
    default: Any = None
    help: str = ""

    def read(self, value: Any) -> Any:
        """Return a checked value.

        Raises:
            InvalidTokenFields: it is of another type or outside the range.
        """
        if self.is_many:
            given = value if isinstance(value, list | tuple) else [value]
            return sorted({self._one_of(each) for each in given})
        if self.choices is not None:
            return self._one_of(value)
        number = self._number(value)
        if not self.minimum <= number <= self.maximum:
            unit = f" {self.unit}" if self.unit else ""
            raise InvalidTokenFields(
                f"{self.label} is {self.minimum} to {self.maximum}{unit}, not {number}"
            )
        return number

    def in_words(self, value: Any) -> str:
        """Return a checked value as a person reads it."""
        if self.is_many:
            return ", ".join(self.choices[each] for each in value) if self.choices else ""
        if self.choices is not None:
            return self.choices[value]
        return f"{value} {self.unit}".rstrip()

    def _one_of(self, value: Any) -> Any:
        assert self.choices is not None
        for choice in self.choices:
            if str(choice) == str(value):
                return choice
        raise InvalidTokenFields(f"{self.label} has no choice {value!r}")

    def _number(self, value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            raise InvalidTokenFields(f"{self.label} is a whole number, not {value!r}")
        return int(text[:20])


@dataclass(frozen=True)
class Kind:
    """One kind of engineering token."""

    slug: str
    title: str
    permission: str
    does: tuple[str, ...]  # what will happen, sentence by sentence
    make: Callable[[Meter, Values], Content]
    fields: tuple[Field, ...] = ()
    two_people: str = ""  # why a second person has to approve; empty: not needed
    sends: bool = True  # whether it makes sense to send it to the meter

    @property
    def act(self) -> str:
        """The name under which its approval is asked for."""
        return f"engineering.{self.slug.replace('-', '_')}"

    def read(self, given: Values) -> dict[str, Any]:
        """Return the checked values of all fields.

        Raises:
            InvalidTokenFields: one is missing, unknown or outside its range.
        """
        known = {field.name: field for field in self.fields}
        for name in given:
            if name not in known:
                raise InvalidTokenFields(f"{self.title} has no field {name!r}")
        checked = {}
        for name, field in known.items():
            value = given.get(name, field.default)
            if value is None:
                raise InvalidTokenFields(f"{self.title} needs {name} ({field.label})")
            checked[name] = field.read(value)
        return checked

    def in_words(self, values: Values) -> str:
        """Return the title with the values, as lists and receipts print it."""
        told = "; ".join(
            f"{field.label.lower()} {field.in_words(values[field.name])}"
            if len(self.fields) > 1 and field.choices is None
            else field.in_words(values[field.name])
            for field in self.fields
        )
        return f"{self.title}: {told}" if told else self.title


def kind_named(slug: str) -> Kind:
    """Return a kind of token.

    Raises:
        UnknownTokenKind: there is none of that name.
    """
    if slug not in KINDS:
        raise UnknownTokenKind(f"no token is called {slug!r}; choose one of {', '.join(KINDS)}")
    return KINDS[slug]


def _maker(meter: Meter, address: str) -> str:
    """Return the manufacturer code that a class 1 token carries: 2 digits, or 4."""
    code = meter.drn[:4] if len(meter.drn) == 13 else meter.drn[:2]
    return "0" * len(code) if address == EVERY else code


def _meter_test(meter: Meter, values: Values) -> Content:
    code = _maker(meter, values["address"])
    subclass = 1 if len(code) == 4 else 0
    tests = values["tests"]
    if ALL_TESTS in tests:
        control = (1 << _CONTROL_BITS[subclass]) - 1
    else:
        control = sum(1 << number - 1 for number in tests)
    return MeterTest(subclass=subclass, control=control, mfr_code=code)


def _extended_read(meter: Meter, values: Values) -> Content:
    code = _maker(meter, values["address"])
    if len(code) == 4:  # this token has room for two digits only; zeros every meter takes
        code = "00"
    return MeterTest(subclass=sts_token.EXTENDED_READ, control=values["control"], mfr_code=code)


def _managing(subclass: int, field: str = "") -> Callable[[Meter, Values], Content]:
    def make(meter: Meter, values: Values) -> Content:
        return Management(subclass=subclass, value=values[field] if field else 0)

    return make


def _extended_set(meter: Meter, values: Values) -> Content:
    value = values["index"] << 10 | values["value"]
    return Management(subclass=sts_token.EXTENDED_SET, value=value)


_ADDRESS = Field("address", "Accepted by", choices=_ADDRESSES, default=OWN)
_WATTS = "W"

_TABLE = (
    Kind(
        "meter-test",
        "Test or display",
        "engineering.issue_meter_test",
        (
            "The meter shows the chosen values or tests the chosen parts, one after another.",
            "The token is not bound to this meter and can be typed as often as wanted.",
        ),
        _meter_test,
        (
            Field(
                "tests",
                "What to show or test",
                choices={ALL_TESTS: "everything"} | TESTS,
                is_many=True,
                default=(ALL_TESTS,),
                help="A meter leaves out what it does not have.",
            ),
            _ADDRESS,
        ),
        sends=False,
    ),
    Kind(
        "extended-read",
        "Extended read",
        "engineering.issue_meter_test",
        (
            "A meter with the extended token set (STS 202-5) shows the control or flag asked for.",
            "Other meters answer that they have no such function.",
        ),
        _extended_read,
        (
            Field(
                "control",
                "Control field",
                maximum=(1 << 36) - 1,
                help="The whole field as a number, from the meter's manual.",
            ),
            _ADDRESS,
        ),
        sends=False,
    ),
    Kind(
        "power-limit",
        "Maximum power limit",
        "engineering.issue_power_limit",
        ("Above this power the meter takes the load off.", "It stays until another is set."),
        _managing(sts_token.SET_POWER_LIMIT, "limit_w"),
        (Field("limit_w", "Limit", _WATTS, maximum=amount.MAXIMUM_UNITS),),
        two_people="It gives a customer more, or less, than the connection they pay for.",
    ),
    Kind(
        "clear-credit",
        "Clear credit",
        "engineering.issue_clear_credit",
        (
            "The credit in the meter is lost: it goes back to nothing, paid for or not.",
            "Without credit the load goes off. This cannot be undone.",
        ),
        _managing(sts_token.CLEAR_CREDIT, "register"),
        (Field("register", "Register", choices=REGISTERS, default=0),),
        two_people="It destroys what the customer has paid for.",
    ),
    Kind(
        "tariff-rate",
        "Tariff rate",
        "engineering.issue_tariff_rate",
        ("A meter that counts money charges by another rate.",),
        _managing(sts_token.SET_TARIFF_RATE, "rate"),
        (Field("rate", "Rate field", help="16 bits as the meter's maker defines them."),),
        two_people="It changes what the customer's money buys.",
    ),
    Kind(
        "clear-tamper",
        "Clear tamper",
        "engineering.issue_clear_tamper",
        ("The meter forgets that it was tampered with and puts the load on again.",),
        _managing(sts_token.CLEAR_TAMPER),
        two_people="It ends the consequence of what may have been a theft.",
    ),
    Kind(
        "unbalance-limit",
        "Phase unbalance limit",
        "engineering.issue_unbalance_limit",
        ("Above this difference between its phases a three-phase meter takes the load off.",),
        _managing(sts_token.SET_PHASE_UNBALANCE, "limit_w"),
        (Field("limit_w", "Limit", _WATTS, maximum=amount.MAXIMUM_UNITS),),
    ),
    Kind(
        "water-factor",
        "Water meter factor",
        "engineering.issue_water_factor",
        ("A water meter counts its pulses by another factor.",),
        _managing(sts_token.SET_WATER_FACTOR, "factor"),
        (Field("factor", "Factor field", help="16 bits as the meter's maker defines them."),),
        two_people="It changes what is measured, and so what is paid.",
    ),
    Kind(
        "extended-set",
        "Extended set",
        "engineering.issue_extended_set",
        (
            "A meter with the extended token set (STS 202-5) sets a control or a flag.",
            "Other meters answer that they have no such function.",
        ),
        _extended_set,
        (
            Field("index", "Control index", maximum=63, help="63 stands for a flag."),
            Field(
                "value",
                "Value",
                maximum=1023,
                help="For a flag: its number times two, plus one to set it.",
            ),
        ),
        two_people="What it sets is not checked here; it may take a protection away.",
    ),
)
KINDS = {kind.slug: kind for kind in _TABLE}
