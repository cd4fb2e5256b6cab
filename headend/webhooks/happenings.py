"""Derives happenings from audit entries, many of one kind at once.

What an event says is read when it is derived, seconds after it happened; what can have changed by
then is taken from the entry itself.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DatabaseError
from django.db.models import Sum

from headend.accounts.models import Approval
from headend.audit.models import AuditEntry
from headend.customers.models import SupplyAgreement
from headend.debts.models import Debt
from headend.exchange.models import Job
from headend.ledger import chart
from headend.ledger.models import Line
from headend.meters.models import Meter
from headend.supply.models import Closing, ModeSwitch
from headend.tariffs.models import TariffVersion
from headend.vending.models import IssuedToken, Sale
from headend.vendors.models import Vendor

log = logging.getLogger(__name__)


class Happening(NamedTuple):
    """Something of a kind that somebody may want to be told.

    Attributes:
        kind: a name of `kinds.KINDS`.
        key: names its cause; the same cause always gives the same key.
        at: when it happened.
        data: what `kinds.KINDS[kind].body` says.
        vendor_id: whose it is; None for the utility's.
        program_id: the only one who is told; None for all who may know.
    """

    kind: str
    key: str
    at: datetime
    data: dict[str, Any]
    vendor_id: int | None = None
    program_id: int | None = None


Entries = Sequence[AuditEntry]
Reader = Callable[[Entries], Iterator[Happening]]

# audit action -> the kinds it may give rise to, and what reads them
_readers: dict[str, tuple[tuple[str, ...], Reader]] = {}


def _of(*actions: str, kinds: tuple[str, ...]) -> Callable[[Reader], Reader]:
    def register(reader: Reader) -> Reader:
        for action in actions:
            _readers[action] = (kinds, reader)
        return reader

    return register


def actions_for(kinds: set[str]) -> list[str]:
    """Return the audit actions that can give rise to any of the kinds."""
    return [action for action, (gives, _) in _readers.items() if kinds.intersection(gives)]


def of_entries(entries: Entries) -> Iterator[Happening]:
    """Return what audit entries tell of; those of no interest give nothing."""
    by_action: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        by_action[entry.action].append(entry)
    for action, alike in by_action.items():
        if action in _readers:
            yield from read(_readers[action][1], alike)


def read(reader: Callable[[Any], Iterator[Happening]], alike: Sequence[Any]) -> list[Happening]:
    """Read all at once; should one break our own code, the others are told all the same."""
    try:
        return list(reader(alike))
    except DatabaseError:
        raise
    except Exception:
        if len(alike) == 1:
            log.exception("no event comes of “%s”", alike[0])
            return []
        return [happening for one in alike for happening in read(reader, [one])]


# --- sales and debts -----------------------------------------------------------------------------


@_of("vending.vend", kinds=("sale.made", "debt.paid_off"))
def _sales(entries: Entries) -> Iterator[Happening]:
    sales = _objects(Sale.objects.select_related("meter", "agreement", "exchange_rate"), entries)
    for entry, sale in sales:
        yield Happening("sale.made", _key(entry), entry.at, _sale(sale), sale.vendor_id)
    yield from _paid_off({f"sale:{sale.receipt_number}": entry for entry, sale in sales})


@_of("vending.reverse", kinds=("sale.reversed",))
def _reversals(entries: Entries) -> Iterator[Happening]:
    for entry, sale in _objects(
        Sale.objects.select_related("meter", "agreement", "exchange_rate"), entries
    ):
        data = _sale(sale) | {"reason": entry.reason}
        yield Happening("sale.reversed", _key(entry), entry.at, data, sale.vendor_id)


@_of("vending.issue_token", kinds=("token.issued",))
def _tokens(entries: Entries) -> Iterator[Happening]:
    for entry, token in _objects(IssuedToken.objects.select_related("meter"), entries):
        data = {
            "token_id": token.pk,
            "meter": token.meter.drn,
            "token_class": token.token_class,
            "subclass": token.subclass,
            "purpose": token.purpose,
        }
        yield Happening("token.issued", _key(entry), entry.at, data)


def _sale(sale: Sale) -> dict[str, Any]:
    return {
        "receipt_number": sale.receipt_number,
        "meter": sale.meter.drn,
        "customer_id": sale.agreement.customer_id,
        "agreement_id": sale.agreement_id,
        "vendor_id": sale.vendor_id,
        "currency": sale.currency,
        "tender_minor": sale.tender_minor,
        "paid_currency": sale.exchange_rate.currency_id if sale.exchange_rate else None,
        "paid_minor": sale.paid_minor,
        "issued_wh": sale.issued_wh,
        "created_at": sale.created_at,
    }


def _paid_off(entries: dict[str, AuditEntry]) -> Iterator[Happening]:
    """Find the debts of which a sale paid the last, by what the ledger says of that moment."""
    lines = Line.objects.filter(
        entry__reference__in=entries, account__code__startswith=f"{chart.DEBTS}."
    ).select_related("account", "entry")
    for line in lines:
        owed = Line.objects.filter(account=line.account, pk__lte=line.pk)
        if owed.aggregate(minor=Sum("amount_minor"))["minor"] != 0:
            continue
        debt = Debt.objects.get(pk=line.account.code.partition(".")[2])
        entry = entries[line.entry.reference]
        yield Happening(
            "debt.paid_off", f"{_key(entry)} {line.account.code}", entry.at, _debt(debt, 0)
        )


@_of("debts.open", kinds=("debt.opened",))
def _debts_opened(entries: Entries) -> Iterator[Happening]:
    for entry, debt in _objects(Debt.objects, entries):
        yield Happening(
            "debt.opened", _key(entry), entry.at, _debt(debt, _after(entry)["amount_minor"])
        )


@_of("debts.adjust", "debts.write_off", kinds=("debt.adjusted", "debt.written_off"))
def _debts_changed(entries: Entries) -> Iterator[Happening]:
    for entry, debt in _objects(Debt.objects, entries):
        kind = "debt.adjusted" if entry.action == "debts.adjust" else "debt.written_off"
        left_minor = _after(entry)["balance_minor"]
        yield Happening(kind, _key(entry), entry.at, _debt(debt, left_minor))


def _debt(debt: Debt, balance_minor: int) -> dict[str, Any]:
    return {
        "debt_id": debt.pk,
        "title": debt.title,
        "customer_id": debt.customer_id,
        "premises_id": debt.premises_id,
        "external_reference": debt.external_reference,
        "currency": debt.currency,
        "balance_minor": balance_minor,
    }


# --- vendors, approvals, registers ---------------------------------------------------------------


@_of("vendors.buy_credit", kinds=("vendor.credit_bought",))
def _credit_bought(entries: Entries) -> Iterator[Happening]:
    for entry, vendor in _objects(Vendor.objects, entries):
        names = ("payment_reference", "paid_minor", "credit_minor", "currency")
        data = {"vendor_id": vendor.pk} | {name: _after(entry)[name] for name in names}
        yield Happening("vendor.credit_bought", _key(entry), entry.at, data, vendor.pk)


@_of("vendors.wallet_low", kinds=("vendor.wallet_low",))
def _wallets_low(entries: Entries) -> Iterator[Happening]:
    for entry, vendor in _objects(Vendor.objects, entries):
        data = {"vendor_id": vendor.pk} | _after(entry)
        yield Happening("vendor.wallet_low", _key(entry), entry.at, data, vendor.pk)


@_of(
    "vendors.suspend",
    "vendors.reinstate",
    kinds=("vendor.suspended", "vendor.reinstated"),
)
def _vendors(entries: Entries) -> Iterator[Happening]:
    for entry, vendor in _objects(Vendor.objects, entries):
        kind = "vendor.suspended" if entry.action == "vendors.suspend" else "vendor.reinstated"
        data = {"vendor_id": vendor.pk, "status": _after(entry)["status"]}
        yield Happening(kind, _key(entry), entry.at, data, vendor.pk)


@_of("approvals.request", kinds=("approval.requested",))
def _requested(entries: Entries) -> Iterator[Happening]:
    for entry, approval in _objects(Approval.objects.select_related("requested_by"), entries):
        data = _approval(approval) | {"state": Approval.OPEN, "decided_by": None}
        yield _asked("approval.requested", entry, approval, data)


@_of(
    "approvals.approve",
    "approvals.refuse",
    "approvals.withdraw",
    kinds=("approval.decided",),
)
def _decided(entries: Entries) -> Iterator[Happening]:
    rows = Approval.objects.select_related("requested_by", "decided_by")
    for entry, approval in _objects(rows, entries):
        yield _asked("approval.decided", entry, approval, _approval(approval))


def _asked(kind: str, entry: AuditEntry, approval: Approval, data: dict[str, Any]) -> Happening:
    """Tell only who asked: a summary may name a customer, and is meant for those who decide."""
    asked_by = approval.requested_by_id
    return Happening(kind, _key(entry), entry.at, data, program_id=asked_by)


def _approval(approval: Approval) -> dict[str, Any]:
    return {
        "approval_id": approval.pk,
        "act": approval.act,
        "summary": approval.summary,
        "state": approval.state,
        "requested_by": approval.requested_by.username,
        "decided_by": approval.decided_by.username if approval.decided_by else None,
    }


@_of("customers.register", kinds=("customer.registered",))
def _customers(entries: Entries) -> Iterator[Happening]:
    for entry in entries:
        data = {"customer_id": int(entry.object_id)}
        yield Happening("customer.registered", _key(entry), entry.at, data)


@_of("meters.register", "meters.install", kinds=("meter.registered", "meter.installed"))
def _meters(entries: Entries) -> Iterator[Happening]:
    for entry, meter in _objects(Meter.objects, entries):
        is_new = entry.action == "meters.register"
        kind = "meter.registered" if is_new else "meter.installed"
        status = Meter.Status.STOCK if is_new else Meter.Status.INSTALLED
        yield Happening(kind, _key(entry), entry.at, {"meter": meter.drn, "status": str(status)})


@_of("vending.key_differs", kinds=("meter.key_differs",))
def _keys(entries: Entries) -> Iterator[Happening]:
    for entry, meter in _objects(Meter.objects, entries):
        data = {"meter": meter.drn} | _after(entry)
        yield Happening("meter.key_differs", _key(entry), entry.at, data)


@_of(
    "customers.open_agreement",
    "customers.end_agreement",
    kinds=("agreement.opened", "agreement.ended"),
)
def _agreements(entries: Entries) -> Iterator[Happening]:
    rows = SupplyAgreement.objects.select_related("meter", "tariff")
    for entry, agreement in _objects(rows, entries):
        is_open = entry.action == "customers.open_agreement"
        data = {
            "agreement_id": agreement.pk,
            "customer_id": agreement.customer_id,
            "meter": agreement.meter.drn,
            "tariff": agreement.tariff.code,
            "ended_at": None if is_open else agreement.ended_at,
        }
        kind = "agreement.opened" if is_open else "agreement.ended"
        yield Happening(kind, _key(entry), entry.at, data)


@_of("tariffs.publish", kinds=("tariff.published",))
def _tariffs(entries: Entries) -> Iterator[Happening]:
    for entry, version in _objects(TariffVersion.objects.select_related("tariff"), entries):
        data = {
            "tariff": version.tariff.code,
            "version_id": version.pk,
            "valid_from": version.valid_from,
        }
        yield Happening("tariff.published", _key(entry), entry.at, data)


@_of("customers.replace_meter", kinds=("agreement.meter_replaced",))
def _replaced(entries: Entries) -> Iterator[Happening]:
    for entry, agreement in _objects(SupplyAgreement.objects, entries):
        data = {
            "agreement_id": agreement.pk,
            "customer_id": agreement.customer_id,
            "old_meter": (entry.before or {})["meter"],
            "new_meter": _after(entry)["meter"],
        }
        yield Happening("agreement.meter_replaced", _key(entry), entry.at, data)


@_of("supply.settle", kinds=("agreement.settled",))
def _settled(entries: Entries) -> Iterator[Happening]:
    rows = Closing.objects.select_related("agreement", "settlement")
    for entry, closing in _objects(rows, entries):
        data = {
            "number": closing.number,
            "agreement_id": closing.agreement_id,
            "customer_id": closing.agreement.customer_id,
            "currency": closing.settlement.currency,
            "refund_minor": closing.settlement.refund_minor,
            "owed_minor": closing.settlement.owed_minor,
        }
        yield Happening("agreement.settled", _key(entry), entry.at, data)


@_of("supply.settle_mode_switch", kinds=("meter.mode_settled",))
def _modes(entries: Entries) -> Iterator[Happening]:
    for entry, switch in _objects(ModeSwitch.objects.select_related("meter"), entries):
        data = {
            "number": switch.number,
            "meter": switch.meter.drn,
            "agreement_id": switch.agreement_id,
            "payment_mode": switch.payment_mode,
            "energy_wh": switch.energy_wh,
            "postpaid_wh": switch.postpaid_wh,
            "credit_wh": switch.credit_wh,
            "currency": switch.currency,
            "credited_minor": switch.credited_minor,
        }
        yield Happening("meter.mode_settled", _key(entry), entry.at, data)


@_of("exchange.finish", kinds=("import.finished",))
def _imports(entries: Entries) -> Iterator[Happening]:
    for entry, job in _objects(Job.objects.select_related("sheet"), entries):
        data = {
            "import_id": job.pk,
            "kind": job.sheet.kind,
            "file_name": job.sheet.file_name,
            "dry_run": job.dry_run,
            "state": job.state,
            "rows_done": job.rows_done,
            "problem": job.problem,
        }
        yield Happening("import.finished", _key(entry), entry.at, data)


def _objects(rows: Any, entries: Entries) -> list[tuple[AuditEntry, Any]]:
    """Return each entry with the object that it is about."""
    found = rows.in_bulk({int(entry.object_id) for entry in entries})
    pairs = [(entry, found.get(int(entry.object_id))) for entry in entries]
    return [(entry, one) for entry, one in pairs if one is not None]


def _after(entry: AuditEntry) -> dict[str, Any]:
    return entry.after or {}


def _key(entry: AuditEntry) -> str:
    return f"audit {entry.pk}"
