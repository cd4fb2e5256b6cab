"""The keys' pages: attributes without keys, and a ceremony that takes two people."""

import io
from datetime import timedelta

import pytest

from headend.accounts import second_factor
from headend.accounts.services import create_user
from headend.accounts.tests.authenticators import SecurityKey, app_code
from headend.audit.models import AuditEntry
from headend.securitymodule import load_file
from headend.securitymodule.models import LinkRoot, VendingKey
from headend.securitymodule.tests.test_load_file import HALVES, KEY
from headend.testing import NOON

pytestmark = pytest.mark.django_db
PASSWORD = "the second password"


@pytest.fixture(scope="module")
def text():
    return load_file.write([KEY], halves=HALVES)


@pytest.fixture
def second():
    return create_user(username="second", password=PASSWORD, groups=("approver",))


def hold(client, text, **changes):
    typed = {
        "first_half": HALVES[0],
        "second_half": HALVES[1],
        "username": "second",
        "password": PASSWORD,
        "file": io.BytesIO(text.encode()),
    }
    answer = client.post("/keys/load/", typed | changes)
    return answer.status_code, answer.content.decode()


def test_two_people_at_one_page(log_in, second, text):
    client = log_in("utility administrator")
    assert "Two people" in client.get("/keys/load/").content.decode()
    assert hold(client, text)[0] == 302
    page = client.get("/keys/").content.decode()
    assert "123456" in page
    assert "000.0 kWh" in page
    assert "not yet active" in page
    assert KEY.clear_key.hex() not in page


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"password": "wrong"}, "do not belong together"),
        ({"username": "Utility administrator"}, "be both"),
        ({"username": "auditor"}, "do not belong together"),
        ({"second_half": "not this half"}, "does not open"),
        ({"first_half": "short"}, "at least 8"),
        ({"file": io.BytesIO(b"\xff\xfe")}, "not a key-load file"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_loaded(log_in, second, text, changes, why):
    status, page = hold(log_in("utility administrator"), text, **changes)
    assert status == 422
    assert why in page
    assert HALVES[0] not in page
    assert PASSWORD not in page
    assert not VendingKey.objects.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"second_half": "not this half"}, "second"),
        ({"username": "a half in the wrong field"}, "nobody of that name"),
    ],
)
def test_a_refused_ceremony_is_on_the_record(log_in, second, text, changes, told):
    hold(log_in("utility administrator"), text, **changes)
    entry = AuditEntry.objects.get(action="securitymodule.refuse_load")
    assert entry.actor_name == "utility administrator"
    assert entry.after == {"with": told, "code": "key_load_refused"}
    assert not any(half in f"{entry.after}{entry.reason}" for half in HALVES)


def test_a_message_root_is_made_for_a_supply_group(log_in):
    client = log_in("utility administrator")
    assert client.post("/keys/roots/", {"sgc": "600001"}).status_code == 302
    assert client.post("/keys/roots/", {"sgc": "600001"}).status_code == 302
    page = client.get("/keys/").content.decode()
    assert "Supply group 600001, generation 1" in page
    assert "Supply group 600001, generation 2" in page
    refused = client.post("/keys/roots/", {"sgc": "60000"})
    assert refused.status_code == 422
    assert "six digits" in refused.content.decode()
    assert LinkRoot.objects.count() == 2


@pytest.mark.parametrize(("ken", "state"), [(10, "ended"), (200, "active"), (255, "active")])
def test_the_page_tells_that_a_key_is_past_its_expiry_number(log_in, ken, state):
    VendingKey.objects.create(
        sgc="600001", kt=2, krn=1, base_date=2014, ken=ken, dkga=4, sealed_key=b"",
        active_from=NOON - timedelta(days=9000),
    )  # fmt: skip
    assert f"{state}</span>" in log_in("auditor").get("/keys/").content.decode()


def test_the_page_tells_where_a_key_is_kept(log_in):
    for number, store in enumerate(("software", "pkcs11", "network"), start=1):
        VendingKey.objects.create(
            sgc="600001", kt=2, krn=number, base_date=2014, dkga=4, store=store, sealed_key=b"",
            active_from=NOON,
        )  # fmt: skip
    page = log_in("utility administrator").get("/keys/").content.decode()
    for words in ("software vault", "PKCS#11 module", "network module"):
        assert page.count(words) == 1


def test_the_second_person_shows_their_second_factor_too(log_in, second, text):
    secret = second_factor.new_authenticator(second).secret
    codes = second_factor.add_authenticator(
        second, secret=secret, code=app_code(secret, NOON), name="Phone", at=NOON
    )
    client = log_in("utility administrator")
    assert "must show their second factor" in hold(client, text)[1]
    assert "code is wrong" in hold(client, text, code="000000")[1]
    assert hold(client, text, code=codes[0])[0] == 302
    assert "is loaded already" in hold(client, text, code=codes[1])[1]


def test_the_second_person_may_show_a_passkey_instead(log_in, second, text):
    device = SecurityKey()
    options, challenge = second_factor.passkey_creation(second, host="testserver")
    second_factor.add_passkey(
        second,
        credential=device.create(options),
        challenge=challenge,
        host="testserver",
        origin="http://testserver",
        name="Key",
        at=NOON,
    )
    client = log_in("utility administrator")
    assert "must show their second factor" in hold(client, text)[1]
    asked = client.post("/keys/load/passkey/", {"username": "second"}).content.decode()
    shown = device.get(asked)
    assert "was not accepted" in hold(client, text, credential=shown.replace("A", "B"))[1]
    assert "must show" in hold(client, text, credential=shown)[1]  # its challenge is used up
    asked = client.post("/keys/load/passkey/", {"username": "second"}).content.decode()
    assert hold(client, text, credential=device.get(asked))[0] == 302
    nobody = client.post("/keys/load/passkey/", {"username": "nobody"}).json()
    assert nobody["allowCredentials"] == []
    assert client.get("/keys/load/passkey/").status_code == 405
    assert log_in("auditor").post("/keys/load/passkey/").status_code == 403


def test_who_may_only_look_or_not_even_that(log_in):
    auditor = log_in("auditor")
    page = auditor.get("/keys/").content.decode()
    assert "No vending key yet" in page
    assert "/keys/load/" not in page
    assert auditor.get("/keys/load/").status_code == 403
    assert log_in("cashier").get("/keys/").status_code == 403
