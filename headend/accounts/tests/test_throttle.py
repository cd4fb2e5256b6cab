"""Guessing passwords is slowed down, and people can still work."""

from datetime import timedelta

import pytest
from django.test import Client

from headend.accounts import throttle
from headend.accounts.errors import TooManyAttempts
from headend.accounts.models import LogInAttempt
from headend.accounts.services import create_user
from headend.audit.models import AuditEntry
from headend.testing import NOON

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def try_often(count, *, username="thandi", address="1.2.3.4", at=NOON):
    for _ in range(count):
        throttle.note_attempt(username=username, address=address, at=at)


def test_the_sixth_try_in_five_minutes_waits():
    try_often(5)
    with pytest.raises(TooManyAttempts, match="in 5 minutes"):
        try_often(1, username="THANDI")
    with pytest.raises(TooManyAttempts, match="in a minute"):
        try_often(1, at=NOON + timedelta(seconds=241))
    try_often(1, at=NOON + timedelta(minutes=5))


def test_refused_tries_do_not_make_the_wait_longer():
    try_often(5)
    for minute in range(5):
        with pytest.raises(TooManyAttempts):
            try_often(1, at=NOON + timedelta(minutes=minute))
    try_often(1, at=NOON + timedelta(minutes=5))


def test_a_stranger_elsewhere_does_not_lock_a_person_out():
    try_often(5, address="6.6.6.6")
    with pytest.raises(TooManyAttempts):
        try_often(1, address="6.6.6.6")
    try_often(1)


def test_many_addresses_together_are_slowed_down_too():
    for number in range(10):
        try_often(5, address=f"10.0.0.{number}")
    with pytest.raises(TooManyAttempts):
        try_often(1)


def test_many_names_from_one_address_are_slowed_down():
    for number in range(20):
        try_often(5, username=f"user{number}")
    with pytest.raises(TooManyAttempts):
        try_often(1, username="another")
    try_often(1, username="another", address="5.6.7.8")


def test_logging_in_forgets_the_wrong_tries_before():
    user = create_user(username="thandi", password=PASSWORD, groups=("cashier",))
    client = Client()
    for _ in range(3):
        for _ in range(4):
            assert log_in(client, "wrong").status_code == 200
        assert log_in(client, PASSWORD).status_code == 302
    assert not LogInAttempt.objects.exists()
    assert AuditEntry.objects.filter(action="accounts.log_in", actor=user).count() == 3


def log_in(client, password):
    return client.post("/log-in/", {"username": "thandi", "password": password})


def test_the_right_password_waits_too_and_the_record_tells_once():
    create_user(username="thandi", password=PASSWORD)
    client = Client()
    for _ in range(5):
        log_in(client, "wrong")
    for _ in range(2):
        assert "too many failed attempts" in log_in(client, PASSWORD).content.decode()
    row = AuditEntry.objects.get(action="accounts.log_in_refused")
    assert (row.object_label, row.source) == ("thandi", "127.0.0.1")


@pytest.mark.parametrize(("behind_proxy", "address"), [(False, "127.0.0.1"), (True, "9.9.9.9")])
def test_only_a_trusted_proxy_names_the_address(rf, settings, behind_proxy, address):
    settings.BEHIND_PROXY = behind_proxy
    request = rf.get("/", headers={"X-Forwarded-For": "8.8.8.8, 9.9.9.9"})
    assert throttle.address_of(request) == address


def test_old_tries_are_forgotten():
    try_often(3)
    throttle.forget_old(NOON + timedelta(hours=23))
    assert LogInAttempt.objects.count() == 3
    throttle.forget_old(NOON + timedelta(hours=25))
    assert not LogInAttempt.objects.exists()
