"""What commands print about a sale, a quote, a meter or an order: as facts and as lines."""

from __future__ import annotations

import datetime
from typing import Any

from headend.config import iso4217
from headend.design import figures


def sale_facts(sale: Any) -> dict[str, Any]:
    """Return what a sale is, for printing; digits that are given to nobody are None."""
    from headend.vending import disclosure

    standing = disclosure.standing_of(sale)
    tokens = list(sale.tokens.order_by("position"))
    return {
        "receipt_number": sale.receipt_number,
        "message_id": sale.message_id,
        "meter": sale.meter.drn,
        "customer": sale.agreement.customer.name,
        "tariff": sale.tariff_version.tariff.name,
        "currency": sale.currency,
        "tender_minor": sale.tender_minor,
        **_paid_facts(sale),
        "issued_wh": sale.issued_wh,
        "created_at": sale.created_at.isoformat(),
        "lines": _lines_facts(sale.lines.all()),
        "reversed_at": standing.reversed_at and standing.reversed_at.isoformat(),
        "tokens": [disclosure.digits_of(token, standing) for token in tokens],
        "delivery": [token.delivery.state if token.delivery else None for token in tokens],
    }


def sale_text(facts: dict[str, Any]) -> str:
    """Return the facts of a sale as lines for a person."""
    rows = [f"Receipt   {facts['receipt_number']}", quote_text(facts)]
    if not facts["tokens"]:
        rows.append("Token     none: nothing of this payment was left for energy")
    for digits, delivery in zip(facts["tokens"], facts["delivery"], strict=True):
        groups = "not given out"
        if digits is not None:
            groups = " ".join(digits[i : i + 4] for i in range(0, 20, 4))
        rows.append(f"Token     {groups}" + (f"  ({delivery})" if delivery else ""))
    if facts["reversed_at"]:
        rows.append(f"Reversed  {facts['reversed_at']}")
    return "\n".join(rows)


def quote_facts(quote: Any) -> dict[str, Any]:
    """Return what a sale would be."""
    return {
        "meter": quote.meter.drn,
        "customer": quote.agreement.customer.name,
        "tariff": quote.tariff_version.tariff.name,
        "currency": quote.currency,
        "tender_minor": quote.tender_minor,
        **_paid_facts(quote),
        "issued_wh": quote.issued_wh,
        "lines": _lines_facts(quote.lines),
    }


def quote_text(facts: dict[str, Any]) -> str:
    """Return the facts of a quote as lines for a person."""
    rows = [
        f"Meter     {facts['meter']}  {facts['customer']}",
        f"Tariff    {facts['tariff']}",
        *(
            f"  {line['description']:20} {_money(line['amount_minor'], facts['currency']):>14}"
            for line in facts["lines"]
        ),
        *(f"  {name:20} {value}" for name, value in facts["exchange"].items()),
        f"Tender    {_money(facts['tender_minor'], facts['currency'])}",
        f"Energy    {figures.exact_kwh(facts['issued_wh'])} kWh",
    ]
    return "\n".join(rows)


def _paid_facts(sold: Any) -> dict[str, Any]:
    """Return what was handed over for a quote or a sale, and how it became the tender."""
    return {
        "paid_currency": sold.received_currency,
        "paid_minor": sold.received_minor,
        "exchange": dict(sold.exchange),
    }


def _lines_facts(lines: Any) -> list[dict[str, Any]]:
    return [
        {
            "kind": str(line.kind),
            "description": line.description,
            "amount_minor": line.amount_minor,
            "energy_wh": line.energy_wh,
        }
        for line in lines
    ]


def _money(minor: int, currency: str) -> str:
    digits = iso4217.decimals(currency)
    minus = "−" if minor < 0 else ""
    return f"{minus}{currency} {figures.decimal(abs(minor), digits=digits, grouped=False)}"


def meter_facts(meter: Any, *, at: datetime.datetime) -> dict[str, Any]:
    """Return what is known of a meter: register, customer, presence, last state."""
    from headend.customers.queries import agreements_in_force
    from headend.fleet.models import MeterLink, MeterState

    agreement = agreements_in_force().filter(meter=meter).first()
    link = MeterLink.objects.filter(meter=meter).first()
    state = MeterState.objects.filter(meter=meter).first()
    return {
        "meter": meter.drn,
        "pan": meter.pan,
        "status": meter.status,
        "sgc": meter.sgc,
        "krn": meter.krn,
        "kt": meter.kt,
        "ti": meter.ti,
        "ken": meter.ken,
        "ea": meter.ea,
        "dkga": meter.dkga,
        "base_date": meter.base_date,
        "customer": agreement.customer.name if agreement else None,
        "address": agreement.premises.address if agreement else None,
        "tariff": agreement.tariff.name if agreement else None,
        "low_credit_threshold_wh": agreement.low_credit_threshold_wh if agreement else None,
        "intended_payment_mode": meter.intended_payment_mode,
        "online": link is not None and link.online,
        "last_heard_at": link.last_heard_at.isoformat() if link and link.last_heard_at else None,
        "state": None
        if state is None
        else {
            "received_at": state.received_at.isoformat(),
            "payment_mode": state.payment_mode,
            "credit_wh": state.credit_wh,
            "account_status": state.account_status,
            "relay_closed": state.relay_closed,
            "open_reasons": state.open_reasons,
            "clock_quality": state.clock_quality,
        },
    }


def command_facts(command: Any) -> dict[str, Any]:
    """Return what is known of a command."""
    return {
        "command": command.command,
        "arguments": command.arguments,
        "state": str(command.state),
        "status": command.status,
        "detail": command.detail,
    }


def facts_text(facts: dict[str, Any], indent: str = "") -> str:
    """Return facts as lines of a name and what it is."""
    rows = []
    for name, fact in facts.items():
        label = name.replace("_", " ")
        if isinstance(fact, dict):
            rows.append(f"{indent}{label}:")
            rows.append(facts_text(fact, indent + "  "))
        else:
            shown = ", ".join(map(str, fact)) if isinstance(fact, list) else fact
            rows.append(f"{indent}{label + ':':26}{'-' if shown in (None, '') else shown}")
    return "\n".join(rows)
