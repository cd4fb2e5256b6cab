"""What a copy of the database tells of people's sessions: nothing."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client

from headend.accounts.session_store import SessionStore
from headend.accounts.tests.authenticators import app_code
from headend.accounts.tests.test_second_factor import new_secret
from headend.testing import NOON

pytestmark = pytest.mark.django_db


def rows():
    """Return every row of every table, and what the sessions' own decoding makes of them."""
    out = StringIO()
    call_command("dumpdata", stdout=out)
    decoded = [row.get_decoded() for row in Session.objects.all()]
    assert Session.objects.exists()
    return out.getvalue() + json.dumps(decoded)


def test_a_half_made_second_factor_is_nowhere_in_the_clear(log_in):
    client = log_in("engineer")
    secret = new_secret(client)
    assert secret not in rows()
    answer = client.post("/second-factor/app/", {"name": "Phone", "code": app_code(secret, NOON)})
    before_they_are_opened = rows()
    page = client.get(answer.headers["Location"]).content.decode()
    codes = [part.split("</code>")[0].replace(" ", "") for part in page.split("<code>")[1:]]
    assert len(codes) == 10
    for code in codes:
        assert code not in before_they_are_opened
    assert secret not in before_they_are_opened


def test_a_copy_of_the_database_opens_nobodys_session(log_in):
    client = log_in("engineer")
    assert client.get("/account/").status_code == 200
    cookie = client.cookies["sessionid"].value
    assert cookie not in rows()
    thief = Client()
    for row in Session.objects.all():
        thief.cookies["sessionid"] = row.session_key
        assert thief.get("/account/").status_code == 302


def test_what_one_session_holds_serves_in_no_other(log_in):
    trusted, other = log_in("engineer"), log_in("cashier")
    kept = {row.pk: row.session_data for row in Session.objects.all()}
    assert len(kept) == 2
    one, two = kept
    Session.objects.filter(pk=one).update(session_data=kept[two])
    Session.objects.filter(pk=two).update(session_data=kept[one])
    for client in (trusted, other):
        assert client.get("/account/").status_code == 302


def test_a_session_is_kept_renamed_and_ended():
    store = SessionStore()
    store["what"] = {"number": 1}
    store.save()
    name = store.session_key
    assert SessionStore().exists(name)
    assert dict(SessionStore(name).items()) == {"what": {"number": 1}}
    store.cycle_key()
    store.save()
    assert not SessionStore().exists(name)
    assert SessionStore(store.session_key)["what"] == {"number": 1}
    late = SessionStore(store.session_key)
    late["more"] = 1
    store.flush()
    assert not Session.objects.exists()
    with pytest.raises(UpdateError):  # it ended meanwhile: nothing brings it back
        late.save()


def test_an_ended_session_is_empty():
    store = SessionStore()
    store["what"] = 1
    store.set_expiry(-timedelta(seconds=1))
    store.save()
    assert not SessionStore(store.session_key).keys()
