"""Tokens and secrets out of the vault, and what it refuses."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, allocate_token_identifiers
from headend.securitymodule import roots, services
from headend.securitymodule.errors import (
    InvalidKey,
    KeyMissing,
    KeyNotActive,
    PublishedKeyRefused,
    VaultUnreadable,
    VendingKeyExpired,
)
from headend.securitymodule.models import LinkRoot, VendingKey
from headend.testing import NOON, make_meter
from shared.sts import token_identifier, transport
from shared.sts.cipher import make_cipher
from shared.wire import keys as wire_keys

pytestmark = pytest.mark.django_db
PUBLISHED = "abababababababab949494949494949401234567"


@pytest.fixture
def administrator():
    return console_user()


@pytest.fixture
def meter(administrator):
    services.load_demonstration_keys(by=administrator, at=NOON)
    return make_meter()


def decrypted_body(meter, digits):
    """Return the token's clear block, with the key the meter itself was provisioned with."""
    secrets = services.provisioning_secrets(meter, console_user(), NOON)
    _, block = transport.from_digits(digits)
    return make_cipher(meter.ea, secrets.decoder_key).decrypt(block)


def test_published_token_body(administrator):
    services.load_demonstration_keys(by=administrator, at=NOON)
    meter = make_meter(by=administrator)
    meter.pan = "600727000000000009"
    digits = services.generate_credit_token(meter, units=1, tid=85740, at=NOON)
    _, block = transport.from_digits(digits)
    clear = make_cipher(7, bytes.fromhex("87f3ecbb2e46b48f")).decrypt(block)
    assert clear[1:6].hex() == "014eec0001"  # as published, but for the random nibble


@pytest.mark.parametrize("ea", [7, 11])
def test_token_opens_with_the_provisioned_key(administrator, ea):
    services.load_demonstration_keys(by=administrator, at=NOON)
    meter = make_meter(key=KeyAttributes(sgc=services.DEMONSTRATION_SGC, ea=ea))
    digits = services.generate_credit_token(meter, units=173, tid=6000000, at=NOON)
    clear = decrypted_body(meter, digits)
    body = int.from_bytes(clear, "big") >> 16
    assert body >> 44 == 0  # subclass: electricity
    assert (body >> 16) & 0xFFFFFF == 6000000
    assert body & 0xFFFF == 173


def test_dkga02_meter_of_another_maker_can_be_vended_for(administrator):
    services.load_vending_key(
        clear_key=bytes.fromhex("abababababababab"),
        sgc="123456",
        kt=2,
        krn=1,
        base_date=2014,
        dkga=2,
        by=administrator,
        at=NOON,
    )
    meter = make_meter(key=KeyAttributes(sgc="123456", dkga=2))
    assert len(services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)) == 20
    with pytest.raises(InvalidKey, match="DKGA04 only"):
        services.provisioning_secrets(meter, administrator, NOON)


def test_loading_keys_twice_changes_nothing(administrator):
    for _ in range(2):
        services.load_demonstration_keys(by=administrator, at=NOON)
    assert VendingKey.objects.count() == LinkRoot.objects.count() == 1


def test_test_keys_are_refused_outside_demonstration(meter, administrator, settings):
    settings.DEMONSTRATION = False
    with pytest.raises(PublishedKeyRefused):
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)
    with pytest.raises(PublishedKeyRefused):
        services.provisioning_secrets(meter, administrator, NOON)
    with pytest.raises(PublishedKeyRefused):
        services.load_demonstration_keys(by=administrator, at=NOON)


def test_a_test_key_cannot_be_relabelled(meter, settings):
    VendingKey.objects.update(is_test=False)
    settings.DEMONSTRATION = False
    with pytest.raises(VaultUnreadable):
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)


def test_key_expires_by_token_identifier(meter):
    VendingKey.objects.all().delete()
    services.load_vending_key(
        clear_key=bytes(range(20)),
        sgc=meter.sgc,
        kt=2,
        krn=1,
        base_date=2014,
        ken=0x5B,
        by=console_user(),
        at=NOON,
    )
    assert services.generate_credit_token(meter, units=1, tid=0x5BFFFF, at=NOON)
    with pytest.raises(VendingKeyExpired, match="KEN 91"):
        services.generate_credit_token(meter, units=1, tid=0x5C0000, at=NOON)


def test_key_is_used_only_while_active(meter):
    with pytest.raises(KeyNotActive):
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON - timedelta(seconds=1))
    VendingKey.objects.update(active_until=NOON + timedelta(days=1))
    services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)
    with pytest.raises(KeyNotActive):
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON + timedelta(days=1))


def test_missing_key_names_what_is_missing(administrator):
    meter = make_meter(key=KeyAttributes(sgc="999999", krn=3))
    with pytest.raises(KeyMissing, match="SGC 999999 KT 2 KRN 3"):
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)
    with pytest.raises(KeyMissing, match="generation 1"):
        roots.link_keys(meter)


@pytest.mark.parametrize(
    "changes",
    [{"clear_key": bytes(19)}, {"dkga": 2}, {"krn": 10}, {"kt": 0}, {"base_date": 2000}],
)
def test_impossible_keys_are_refused(administrator, changes):
    key = {"clear_key": bytes(20), "sgc": "123456", "kt": 2, "krn": 1, "base_date": 2014}
    with pytest.raises(InvalidKey):
        services.load_vending_key(**(key | changes), by=administrator, at=NOON)


def test_loading_and_provisioning_need_permission(meter):
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        roots.create_link_root(sgc="123456", generation=1, by=cashier, at=NOON)
    with pytest.raises(NotPermitted):
        services.provisioning_secrets(meter, cashier, NOON)


def test_link_keys_come_from_the_root_the_meter_was_given(meter, administrator):
    secrets = services.provisioning_secrets(meter, administrator, NOON)
    expected = wire_keys.derive_link_keys(secrets.link_root, secrets.link_generation)
    assert tuple(roots.link_keys(meter)) == tuple(expected)
    assert roots.link_keys(meter) != roots.link_keys(make_meter())


def test_a_change_of_group_leaves_the_message_keys(meter, administrator):
    services.provisioning_secrets(meter, administrator, NOON)
    before = roots.link_keys(meter)
    roots.create_link_root(sgc="654321", generation=1, by=administrator, at=NOON)
    Meter.objects.update(sgc="654321")
    assert roots.link_keys(Meter.objects.get()) == before


def test_a_further_root_serves_meters_that_are_provisioned_from_then_on(meter, administrator):
    older = services.provisioning_secrets(meter, administrator, NOON)
    before = roots.link_keys(meter)
    assert roots.next_generation(meter.sgc) == 2
    roots.create_link_root(sgc=meter.sgc, generation=2, by=administrator, at=NOON)
    assert roots.link_keys(Meter.objects.get()) == before
    newer = services.provisioning_secrets(Meter.objects.get(), administrator, NOON)
    assert (older.link_generation, newer.link_generation) == (1, 2)
    assert roots.link_keys(Meter.objects.get()) != before


def test_a_meter_that_is_provisioned_again_has_other_message_keys(meter, administrator):
    """It has forgotten which messages it has had: a kept one must not be taken once more."""
    services.provisioning_secrets(meter, administrator, NOON)
    neighbour = make_meter()
    services.provisioning_secrets(neighbour, administrator, NOON)
    kept, before = roots.link_keys(neighbour), roots.link_keys(meter)
    again = services.provisioning_secrets(Meter.objects.get(pk=meter.pk), administrator, NOON)
    assert again.link_generation == 2
    assert roots.link_keys(Meter.objects.get(pk=meter.pk)) != before
    assert roots.link_keys(Meter.objects.get(pk=neighbour.pk)) == kept
    services.provisioning_secrets(neighbour, administrator, NOON)
    assert neighbour.link_generation == 2  # made for another, as good for this one
    assert LinkRoot.objects.filter(sgc=meter.sgc).count() == 2


@pytest.mark.parametrize("sgc", ["12345", "1234567", "12345a", "", "١٢٣٤٥٦"])
def test_a_root_belongs_to_a_supply_group(administrator, sgc):
    with pytest.raises(InvalidKey, match="six digits"):
        roots.create_link_root(sgc=sgc, generation=1, by=administrator, at=NOON)


def test_the_demonstrations_key_is_a_test_key_even_if_nobody_says_so(administrator, settings):
    settings.DEMONSTRATION = True
    key = services.load_vending_key(
        clear_key=bytes.fromhex(PUBLISHED), sgc="600001", kt=2, krn=1, base_date=2014,
        by=administrator, at=NOON,
    )  # fmt: skip
    settings.DEMONSTRATION = False
    meter = make_meter(key=KeyAttributes(sgc="600001"))
    assert key.is_test
    with pytest.raises(PublishedKeyRefused):
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)


def test_tokens_after_provisioning_are_newer_than_its_token_store(meter, administrator):
    at = datetime(2026, 11, 21, 12, 30, 45, tzinfo=UTC)
    secrets = services.provisioning_secrets(meter, administrator, at)
    assert secrets.tid_floor == token_identifier.from_utc(int(at.timestamp()), 2014)
    (first,) = allocate_token_identifiers(meter, count=1, at=at)
    assert first == secrets.tid_floor + 1


def test_no_key_in_the_record_or_the_log(meter, administrator, caplog):
    with caplog.at_level(logging.DEBUG):
        secrets = services.provisioning_secrets(meter, administrator, NOON)
        services.generate_credit_token(meter, units=1, tid=6000000, at=NOON)
    rows = [*AuditEntry.objects.values(), *VendingKey.objects.values(), *LinkRoot.objects.values()]
    written = f"{rows!r} {caplog.text} {secrets!r}"
    for clear in (bytes.fromhex(PUBLISHED), secrets.decoder_key, secrets.link_root):
        assert clear.hex() not in written.lower()
        assert repr(clear)[2:-1] not in written
