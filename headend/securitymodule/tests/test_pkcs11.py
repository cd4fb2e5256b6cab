"""Keys inside a PKCS#11 module (SoftHSM2), where they stay."""

from dataclasses import replace

import pytest

from headend.accounts.services import console_user, create_user
from headend.meters.services import KeyAttributes
from headend.securitymodule import ceremony, keystores, load_file, pkcs11_store, roots, services
from headend.securitymodule.derivation import derive_dkga04
from headend.securitymodule.errors import InvalidKey, ModuleUnavailable
from headend.securitymodule.models import VendingKey
from headend.securitymodule.tests.test_load_file import HALVES, KEY
from headend.testing import NOON, make_meter
from shared.sts import transport
from shared.sts.cipher import make_cipher

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_token")]

CLEAR = bytes(range(100, 120))
MESSAGE = bytes(range(49))


@pytest.fixture
def key(module):
    return services.load_vending_key(
        clear_key=CLEAR, sgc="123456", kt=2, krn=1, base_date=2014, by=console_user(), at=NOON
    )


@pytest.mark.parametrize("ea", [7, 11])
def test_the_module_derives_what_the_vault_would(key, module, ea):
    derived = module.dkga04(
        bytes(key.sealed_key), label=services.label_of(key), message=MESSAGE, ea=ea
    )
    assert derived == derive_dkga04(CLEAR, MESSAGE, ea)


def test_tokens_out_of_the_module_open_with_the_vaults_decoder_key(key, settings):
    meter = make_meter(key=KeyAttributes(sgc="123456"))
    digits = services.generate_credit_token(meter, units=7, tid=6_500_000, at=NOON)
    VendingKey.objects.all().delete()
    settings.PKCS11_LIBRARY = ""
    services.load_vending_key(
        clear_key=CLEAR, sgc="123456", kt=2, krn=1, base_date=2014, by=console_user(), at=NOON
    )
    roots.create_link_root(sgc="123456", generation=1, by=console_user(), at=NOON)
    secrets = services.provisioning_secrets(meter, console_user(), NOON)
    _, block = transport.from_digits(digits)
    clear = make_cipher(7, secrets.decoder_key).decrypt(block)
    assert int.from_bytes(clear[1:6], "big") & 0xFFFF == 7


def test_the_key_cannot_be_taken_out(key, module):
    import pkcs11

    (found,) = module._do(lambda session: list(session.get_objects({})))
    assert found[pkcs11.Attribute.SENSITIVE]
    assert not found[pkcs11.Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.exceptions.PKCS11Error):
        found[pkcs11.Attribute.VALUE]
    with pytest.raises(pkcs11.exceptions.PKCS11Error):
        found[pkcs11.Attribute.EXTRACTABLE] = True


def test_the_database_keeps_only_how_to_find_it(key):
    assert key.store == keystores.PKCS11
    assert len(key.sealed_key) == 16
    assert CLEAR not in bytes(key.sealed_key)


def test_a_key_serves_no_other_label(key, module):
    VendingKey.objects.update(sgc="654321")
    meter = make_meter(key=KeyAttributes(sgc="654321"))
    with pytest.raises(ModuleUnavailable, match="does not hold vending key 654321"):
        services.generate_credit_token(meter, units=1, tid=6_500_000, at=NOON)


def test_a_key_whose_row_was_refused_is_given_up(key, module):
    with pytest.raises(InvalidKey, match="loaded already"):
        services.load_vending_key(
            clear_key=CLEAR, sgc="123456", kt=2, krn=1, base_date=2014, by=console_user(), at=NOON
        )
    assert len(module._do(lambda session: list(session.get_objects({})))) == 1


def test_a_file_of_which_one_key_is_refused_leaves_none_in_the_module(key, module):
    officers = (
        create_user(username="first", password=None, groups=("utility administrator",)),
        create_user(username="second", password=None, groups=("approver",)),
    )
    text = load_file.write(
        [replace(KEY, sgc="600001"), replace(KEY, sgc="123456", krn=1)], halves=HALVES
    )
    with pytest.raises(InvalidKey, match="loaded already"):
        ceremony.load_keys(text, halves=HALVES, officers=officers, at=NOON)
    found = module._do(lambda session: list(session.get_objects({})))
    assert [one.label for one in found] == [services.label_of(key)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the search
def test_a_session_that_the_module_gave_up_is_opened_anew(key, module):
    meter = make_meter(key=KeyAttributes(sgc="123456"))
    before = services.decoder_key_of(meter, key)
    module._do(lambda session: session.close())
    assert services.decoder_key_of(meter, key) == before
    module._do(lambda session: session.close())
    assert len(module.keep(CLEAR, label="another")) == 16


def test_a_module_that_takes_no_key_says_so(module, settings):
    settings.PKCS11_TOKEN = "another"
    with pytest.raises(ModuleUnavailable, match="check OPENPREPAY_PKCS11_LIBRARY"):
        module.keep(CLEAR, label="a key")
    settings.PKCS11_LIBRARY = ""
    with pytest.raises(ModuleUnavailable, match="LIBRARY names none"):
        module.keep(CLEAR, label="a key")


def test_dkga02_stays_in_the_software_vault(module):
    key = services.load_vending_key(
        clear_key=CLEAR[:8], sgc="123456", kt=2, krn=1, base_date=2014, dkga=2,
        by=console_user(), at=NOON,
    )  # fmt: skip
    assert key.store == keystores.SOFTWARE
    with pytest.raises(ModuleUnavailable, match="DKGA02"):
        module.dkga02(b"", label="a key", pan_block=bytes(8), control_block=bytes(8))


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [("PKCS11_TOKEN", "another"), ("PKCS11_LIBRARY", "/nowhere.so"), ("PKCS11_PIN_FILE", "/none")],
)
def test_a_module_that_cannot_be_used_says_so(key, settings, setting, wrong):
    meter = make_meter(key=KeyAttributes(sgc="123456"))
    opened = dict(pkcs11_store._sessions)
    pkcs11_store._sessions.clear()
    setattr(settings, setting, wrong)
    try:
        with pytest.raises(ModuleUnavailable, match="check OPENPREPAY_PKCS11_LIBRARY"):
            services.generate_credit_token(meter, units=1, tid=6_500_000, at=NOON)
    finally:
        pkcs11_store._sessions.update(opened)
