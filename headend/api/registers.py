"""Customers, meters, supply agreements, tariffs, sales and issued tokens."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Path, Query, Router

from headend.api import shapes
from headend.api.ids import AskedAgreement, AskedCustomer, AskedToken
from headend.api.once import asked_once
from headend.api.requests import Cursor, KeyRequest, Limit, between, needs, one_found, page
from headend.api.schemas import (
    AgreementEndIn,
    AgreementIn,
    AgreementOut,
    CustomerIn,
    CustomerOut,
    Instant,
    MessageIn,
    MeterIn,
    MeterNumber,
    MeterOut,
    Page,
    SaleOut,
    SaleSummaryOut,
    TariffOut,
    TariffWithVersionsOut,
    TokenOut,
    text,
)
from headend.api.vend import caller_of
from headend.customers import services as customers
from headend.customers.models import Customer, SupplyAgreement
from headend.customers.search import find_customers
from headend.meters import services as meters
from headend.meters.models import Meter
from headend.meters.queries import meter_numbered
from headend.supply.old_tokens import require_new_key
from headend.tariffs.models import Tariff
from headend.vending import disclosure
from headend.vending.models import IssuedToken, Sale
from headend.vendors.queries import of_own_vendor

router = Router()
_USUAL_LIMIT = 50
_KEY_ATTRIBUTES = ("sgc", "kt", "krn", "ti", "ken", "base_date", "ea", "dkga")

Since = Annotated[Instant | None, Query(description="from this instant on")]
Until = Annotated[Instant | None, Query(description="before this instant")]
Words = Annotated[str | None, Query(description="name, phone, address or meter number"), text(100)]
OfMeter = Annotated[MeterNumber | None, Query(description="only of this meter")]
OfCustomer = Annotated[AskedCustomer | None, Query(description="only of this customer")]


# --- customers -----------------------------------------------------------------------------------


@router.get("/customers", **needs("customers:read", Page[CustomerOut]))
def list_customers(
    request: KeyRequest, q: Words = None, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List customers, newest first; `q` searches."""
    found = find_customers(q) if q else Customer.objects.all()
    return page(found, cursor=cursor, limit=limit, give=shapes.customer)


@router.post("/customers", **needs("customers:write", CustomerOut))
def register_customer(request: KeyRequest, body: CustomerIn) -> dict[str, Any]:
    """Register a customer, once per message id."""
    program, now = request.auth.program, timezone.now()

    def act() -> dict[str, Any]:
        made = customers.register_customer(
            name=body.name,
            phone=body.phone,
            email=body.email,
            language=body.language,
            by=program,
            at=now,
        )
        return shapes.customer(made)

    return asked_once(request.auth, "customers", body, at=now, act=act)


@router.get("/customers/{customer_id}", **needs("customers:read", CustomerOut))
def read_customer(request: KeyRequest, customer_id: Path[AskedCustomer]) -> dict[str, Any]:
    """Read one customer."""
    return shapes.customer(customer_of_id(customer_id))


# --- meters --------------------------------------------------------------------------------------


@router.get("/meters", **needs("meters:read", Page[MeterOut]))
def list_meters(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List the meter register, newest first."""
    return page(Meter.objects.all(), cursor=cursor, limit=limit, give=shapes.meter)


@router.post("/meters", **needs("meters:write", MeterOut))
def register_meter(request: KeyRequest, body: MeterIn) -> dict[str, Any]:
    """Add a meter to the stock, once per message id."""
    program, now = request.auth.program, timezone.now()
    attributes = {name: getattr(body, name) for name in _KEY_ATTRIBUTES}

    def act() -> dict[str, Any]:
        made = meters.register_meter(
            drn=body.number,
            key=meters.KeyAttributes(**attributes),
            by=program,
            at=now,
            source=caller_of(request.auth),
        )
        return shapes.meter(made)

    return asked_once(request.auth, "meters", body, at=now, act=act)


@router.get("/meters/{number}", **needs("meters:read", MeterOut))
def read_meter(request: KeyRequest, number: Path[MeterNumber]) -> dict[str, Any]:
    """Read one meter by its number (DRN) or PAN."""
    return shapes.meter(meter_numbered(number))


@router.post("/meters/{number}/install", **needs("meters:write", MeterOut))
def install_meter(
    request: KeyRequest, number: Path[MeterNumber], body: MessageIn
) -> dict[str, Any]:
    """Record that a meter from stock was installed, once per message id."""
    now = timezone.now()
    meter = meter_numbered(number)

    def act() -> dict[str, Any]:
        require_new_key(meter)
        meters.install_meter(
            meter, by=request.auth.program, at=now, source=caller_of(request.auth)
        )
        return shapes.meter(meter)

    return asked_once(request.auth, f"install {meter.drn}", body, at=now, act=act)


# --- supply agreements ---------------------------------------------------------------------------


@router.get("/agreements", **needs("agreements:read", Page[AgreementOut]))
def list_agreements(
    request: KeyRequest,
    meter: OfMeter = None,
    customer_id: OfCustomer = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List supply agreements, including ended ones, newest first."""
    found = _agreements()
    if meter is not None:
        found = found.filter(meter=meter_numbered(meter))
    if customer_id is not None:
        found = found.filter(customer_id=customer_id)
    return page(found, cursor=cursor, limit=limit, give=shapes.agreement)


@router.post("/agreements", **needs("agreements:write", AgreementOut))
def open_agreement(request: KeyRequest, body: AgreementIn) -> dict[str, Any]:
    """Open an agreement by which a meter serves a customer from now on, once per message id."""
    now = timezone.now()

    def act() -> dict[str, Any]:
        meter = meter_numbered(body.meter)
        require_new_key(meter)
        made = customers.open_agreement(
            customer=customer_of_id(body.customer_id),
            address=body.address,
            meter=meter,
            tariff=tariff_coded(body.tariff),
            low_credit_threshold_wh=body.low_credit_threshold_wh,
            by=request.auth.program,
            at=now,
        )
        return shapes.agreement(made)

    return asked_once(request.auth, "agreements", body, at=now, act=act)


@router.get("/agreements/{agreement_id}", **needs("agreements:read", AgreementOut))
def read_agreement(request: KeyRequest, agreement_id: Path[AskedAgreement]) -> dict[str, Any]:
    """Read one supply agreement."""
    return shapes.agreement(agreement_of_id(agreement_id))


@router.post("/agreements/{agreement_id}/end", **needs("agreements:write", AgreementOut))
def end_agreement(
    request: KeyRequest, agreement_id: Path[AskedAgreement], body: AgreementEndIn
) -> dict[str, Any]:
    """End a supply agreement now, once per message id."""
    now = timezone.now()
    found = agreement_of_id(agreement_id)

    def act() -> dict[str, Any]:
        customers.end_agreement(found, by=request.auth.program, at=now, reason=body.reason)
        return shapes.agreement(found)

    return asked_once(request.auth, f"end {agreement_id}", body, at=now, act=act)


# --- tariffs -------------------------------------------------------------------------------------


@router.get("/tariffs", **needs("tariffs:read", Page[TariffOut]))
def list_tariffs(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List tariffs, newest first."""
    return page(Tariff.objects.all(), cursor=cursor, limit=limit, give=shapes.tariff)


@router.get("/tariffs/{code}", **needs("tariffs:read", TariffWithVersionsOut))
def read_tariff(
    request: KeyRequest,
    code: Path[Annotated[str, text(40)]],
) -> dict[str, Any]:
    """Read a tariff with all its versions."""
    found = tariff_coded(code)
    versions = found.versions.order_by("-valid_from")
    return shapes.tariff(found) | {"versions": [shapes.tariff_version(one) for one in versions]}


# --- sales and tokens ----------------------------------------------------------------------------


@router.get("/sales", **needs("sales:read", Page[SaleSummaryOut]))
def list_sales(
    request: KeyRequest,
    meter: OfMeter = None,
    customer_id: OfCustomer = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List sales, newest first."""
    found = of_own_vendor(
        Sale.objects.select_related("meter", "agreement", "exchange_rate", *disclosure.RELATED),
        request.auth.program,
    )
    if meter is not None:
        found = found.filter(meter=meter_numbered(meter))
    if customer_id is not None:
        found = found.filter(agreement__customer_id=customer_id)
    found = between(found, "created_at", since, until)
    return page(found, cursor=cursor, limit=limit, give=shapes.sale_summary)


@router.get("/sales/{receipt_number}", **needs("sales:read", SaleOut))
def read_sale(
    request: KeyRequest,
    receipt_number: Path[Annotated[str, text(20)]],
) -> dict[str, Any]:
    """Read one sale with its lines, and with its tokens if the key has tokens:read."""
    shown = shapes.sale(
        shapes.sale_numbered(receipt_number, seen_by=request.auth.program),
        caller=caller_of(request.auth),
    )
    if "tokens:read" not in request.auth.scopes:
        shown["tokens"] = []
    return shown


@router.get("/tokens", **needs("tokens:read", Page[TokenOut]))
def list_tokens(
    request: KeyRequest,
    meter: OfMeter = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List issued tokens with their delivery state, newest first."""
    found = between(_tokens(request), "issued_at", since, until)
    if meter is not None:
        found = found.filter(meter=meter_numbered(meter))
    return page(found, cursor=cursor, limit=limit, give=shapes.token)


@router.get("/tokens/{token_id}", **needs("tokens:read", TokenOut))
def read_token(request: KeyRequest, token_id: Path[AskedToken]) -> dict[str, Any]:
    """Read one issued token with its delivery state."""
    found = _tokens(request).filter(pk=token_id)
    return shapes.token(one_found(found, otherwise="there is no token of that id"))


def customer_of_id(customer_id: int) -> Customer:
    """Return a customer.

    Raises:
        ObjectNotFound: there is none.
    """
    found = Customer.objects.filter(pk=customer_id)
    return one_found(found, otherwise="there is no customer of that id")


def tariff_coded(code: str) -> Tariff:
    """Return a tariff by its code.

    Raises:
        ObjectNotFound: there is none.
    """
    return one_found(Tariff.objects.filter(code=code), otherwise=f"there is no tariff {code}")


def agreement_of_id(agreement_id: int) -> SupplyAgreement:
    """Return a supply agreement.

    Raises:
        ObjectNotFound: there is none.
    """
    found = _agreements().filter(pk=agreement_id)
    return one_found(found, otherwise="there is no agreement of that id")


def _agreements() -> QuerySet[SupplyAgreement]:
    return SupplyAgreement.objects.select_related("premises", "meter", "tariff")


def _tokens(request: KeyRequest) -> QuerySet[IssuedToken]:
    """Return the tokens that a program may read: a vendor's those of its own sales."""
    found = IssuedToken.objects.select_related(
        "meter", "sale", "free_grant", *(f"sale__{name}" for name in disclosure.RELATED)
    ).prefetch_related("deliveries__command")
    return of_own_vendor(found, request.auth.program, field="sale__vendor")
