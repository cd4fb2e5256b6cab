"""Logging in and out, and what every page has in common."""

import re

import pytest
from django.test import Client

from headend.accounts.services import create_user
from headend.design.policy import POLICY

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def cashier():
    return create_user(username="cashier", password=PASSWORD, groups=("cashier",))


def test_logging_in_leads_to_the_page_that_was_asked_for(cashier):
    client = Client()
    sent = client.get("/sales/?q=1")
    assert sent.headers["Location"] == "/log-in/?next=/sales/%3Fq%3D1"
    answer = client.post(
        sent.headers["Location"],
        {"username": "cashier", "password": PASSWORD, "next": "/sales/?q=1"},
    )
    assert answer.headers["Location"] == "/sales/?q=1"


def test_logging_in_never_leads_to_another_host(cashier):
    answer = Client().post(
        "/log-in/", {"username": "cashier", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("username", ["cashier", "somebody else"])
def test_a_refusal_does_not_tell_which_was_wrong(cashier, username):
    answer = Client().post("/log-in/", {"username": username, "password": "wrong"})
    assert "do not belong together" in answer.content.decode()


def test_logging_out_takes_a_form_and_ends_the_session(cashier):
    client = Client()
    client.force_login(cashier)
    assert client.get("/log-out/").status_code == 405
    assert client.post("/log-out/").status_code == 302
    assert client.get("/").headers["Location"].startswith("/log-in/")


def test_forms_need_their_csrf_token(cashier):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cashier)
    answer = client.post("/log-out/")
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()


def test_a_piece_of_a_page_reloads_the_page_when_the_session_has_ended():
    answer = Client().get("/sales/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert b"Password" not in answer.content


@pytest.mark.parametrize("address", ["/log-in/", "/nowhere/"])
def test_every_answer_has_the_content_policy(address):
    assert Client().get(address).headers["Content-Security-Policy"] == POLICY


def test_pages_hold_no_inline_code_or_style():
    page = Client().get("/log-in/").content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "onclick" not in page
    assert re.findall(r"<script(?![^>]* src=)", page) == []


def test_what_is_not_there_says_so_in_our_own_words(cashier):
    client = Client()
    client.force_login(cashier)
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
