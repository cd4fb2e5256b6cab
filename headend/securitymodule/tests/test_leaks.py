"""No key in logs, pages, tracebacks or dumps; and the watch under which the suite runs works."""

import logging
import sys
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.views.debug import ExceptionReporter

from headend.accounts.services import console_user, create_user
from headend.meters.services import KeyAttributes
from headend.securitymodule import ceremony, keystores, load_file, services
from headend.securitymodule.models import LinkRoot, VendingKey
from headend.securitymodule.tests.test_load_file import HALVES, KEY
from headend.testing import NOON, make_meter, make_supply
from headend.vending.services import vend

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    return make_supply()


def test_a_working_day_writes_no_key(supply, log_in, key_leaks, caplog):
    """Keys loaded, a meter provisioned, energy sold, every page opened, the database dumped."""
    officers = (
        create_user(username="first", password=None, groups=("utility administrator",)),
        create_user(username="second", password=None, groups=("approver",)),
    )
    loaded = load_file.write([KEY], halves=HALVES)
    key_leaks.look_at(loaded, "the key-load file")
    with caplog.at_level(logging.DEBUG):
        ceremony.load_keys(loaded, halves=HALVES, officers=officers, at=NOON)
        secrets = services.provisioning_secrets(supply.meter, console_user(), NOON)
        key_leaks.look_at(repr(secrets), "the text of provisioning secrets")
        cashier = create_user(username="c", password=None, groups=("cashier",))
        sale = vend(
            caller="t", message_id="1", meter=supply.meter, tender_minor=5000, operator=cashier,
            at=NOON,
        )  # fmt: skip
        client = log_in("utility administrator")
        start = client.get("/")
        pages = [link["url"] for link in start.context["links"]]
        for page in [*pages, "/account/", f"/sales/{sale}/", f"/meters/{supply.meter.drn}/"]:
            client.get(page)
    key_leaks.look_at(caplog.text, "the log")
    dumps = [
        dumped(),
        str(list(VendingKey.objects.values())),
        str(list(LinkRoot.objects.values())),
    ]
    for dump in dumps:
        assert "201457" in dump
        key_leaks.look_at(dump, "a dump")
        for half in HALVES:
            assert half not in dump
    assert key_leaks.found == []


def dumped():
    """Return the whole database: as fixtures, and on SQLite as its own statements too."""
    out = StringIO()
    call_command("dumpdata", stdout=out)
    if connection.vendor == "sqlite":
        out.writelines(connection.connection.iterdump())
    return out.getvalue()


@pytest.mark.parametrize("broken", ["make_cipher", "generation.credit"])
def test_a_traceback_shows_no_key(supply, key_leaks, monkeypatch, settings, broken):
    settings.DEBUG = False

    def fail(*args, **named):
        raise RuntimeError("broken")

    monkeypatch.setattr(f"headend.securitymodule.keystores.{broken}", fail)
    try:
        services.generate_credit_token(supply.meter, units=1, tid=6_500_000, at=NOON)
    except RuntimeError:
        reporter = ExceptionReporter(None, *sys.exc_info())
    for text in (reporter.get_traceback_text(), reporter.get_traceback_html()):
        assert "broken" in text
        key_leaks.look_at(text, "a traceback")
    assert key_leaks.found == []


@pytest.mark.parametrize(
    "leak",
    [
        lambda key: logging.getLogger("x").warning("key %s", key.hex()),
        lambda key: logging.getLogger("x").warning("key %s", key.hex().upper()),
        lambda key: logging.getLogger("x").warning("key %r", key),
        lambda key: create_user(username=key.hex(), password=None),
        lambda key: VendingKey.objects.update(sealed_key=key),
    ],
)
def test_the_watch_sees_a_leak(key_leaks, leak):
    services.load_vending_key(
        clear_key=bytes(range(50, 70)), sgc="123456", kt=2, krn=1, base_date=2014,
        by=console_user(), at=NOON,
    )  # fmt: skip
    assert key_leaks.found == []
    leak(bytes(range(50, 70)))
    assert key_leaks.found
    key_leaks.found.clear()


def test_the_watch_knows_decoder_keys_and_roots(supply, key_leaks):
    secrets = services.provisioning_secrets(supply.meter, console_user(), NOON)
    for clear in (secrets.decoder_key, secrets.link_root):
        key_leaks.look_at(clear.hex(), "a page")
    assert key_leaks.found == ["a page", "a page"]
    key_leaks.found.clear()


def test_a_store_gives_no_key_back():
    """The interface has no method that returns a vending key."""
    methods = {name for name in vars(keystores.KeyStore) if not name.startswith("_")}
    tokens = {"credit", "management", "key_change"}
    assert methods == {"keep", "forget", "decoder_key", *tokens}
    meter = make_meter(key=KeyAttributes(sgc="201457"))
    services.load_demonstration_keys(by=console_user(), at=NOON)
    key = VendingKey.objects.get()
    derived = keystores.SoftwareVault().dkga04(
        bytes(key.sealed_key), label=services.label_of(key), message=bytes(49), ea=meter.ea
    )
    assert len(derived) == 8
