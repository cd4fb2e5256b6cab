"""The tariff pages: a clerk drafts, sees what it does, hands it in; somebody else approves."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from headend.accounts import approvals
from headend.accounts.errors import AlreadyDecided, SamePerson
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.opaque import id_of
from headend.tariffs import document, services, words
from headend.tariffs.errors import DraftClosed, InvalidTariff, SecondPersonNeeded
from headend.tariffs.examples import EXAMPLES
from headend.tariffs.models import Tariff, TariffDraft, TariffVersion
from headend.tariffs.queries import rules_of, version_in_force, with_ends
from headend.tariffs.services import publish_version
from headend.tariffs.tests.form import posted
from headend.testing import NOON, make_tariff

pytestmark = pytest.mark.django_db
CLERK = "tariff clerk"
STEPS = EXAMPLES["steps"][1]


def form(rules=STEPS, **more):
    head = {"name": "Domestic", "code": "domestic", "first_day": "2026-12-01", "do": "save"}
    return posted(document.write(rules)) | head | more


@pytest.fixture
def clerk(log_in):
    return log_in(CLERK)


@pytest.fixture
def draft(clerk):
    clerk.post("/tariffs/new/", form())
    return TariffDraft.objects.get()


def test_who_approves_reads_the_whole_tariff(clerk, log_in):
    clerk.post("/tariffs/new/", form(EXAMPLES["levies"][1]))
    draft = TariffDraft.objects.get()
    clerk.post(f"/tariffs/drafts/{id_of(draft)}/submit/", {"reason": "The yearly increase"})
    approval = Approval.objects.get()
    approver = log_in("approver")
    page = approver.get(f"/approvals/{id_of(approval)}/").content.decode()
    assert all(said in page for said in words.summary(EXAMPLES["levies"][1]))
    in_full = f"/tariffs/drafts/{id_of(draft)}/"
    assert f'href="{in_full}"' in page
    assert "Example purchases" in approver.get(in_full).content.decode()


def test_a_draft_becomes_a_version_by_a_second_person(clerk, draft):
    assert document.read(draft.rules) == STEPS
    page = clerk.post(f"/tariffs/drafts/{id_of(draft)}/submit/", {"reason": "The yearly increase"})
    assert page.status_code == 302
    approval = Approval.objects.get()
    assert f" 00:00 {timezone.localtime(draft.valid_from):%Z}: " in approval.summary
    assert "1.20 per kWh up to 50 kWh" in approval.summary
    both = create_user(username="both", password=None, groups=(CLERK, "approver"))
    own = services.submit_draft(
        services.save_draft(
            draft=None,
            code="own",
            name="Own",
            valid_from=draft.valid_from,
            rules=STEPS,
            by=both,
            at=NOON,
        ),
        by=both,
        at=NOON,
        reason="x",
    )
    with pytest.raises(SamePerson):
        approvals.approve(own, both, NOON)
    assert not TariffVersion.objects.exists()
    second = create_user(username="second", password=None, groups=("approver",))
    approvals.approve(approval, second, NOON)
    version = TariffVersion.objects.get()
    assert (version.made_by, version.approved_by) == (clerk.user, second)
    assert rules_of(version) == STEPS
    draft.refresh_from_db()
    assert (draft.state, draft.version) == ("approved", version)
    # Midnight in the utility's time zone, which is two hours ahead.
    assert version.valid_from.isoformat() == "2026-11-30T22:00:00+00:00"
    assert version_in_force(version.tariff_id, at=version.valid_from) == version
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"tariffs.save_draft", "approvals.request", "tariffs.publish"} <= actions
    for address in (
        "/tariffs/",
        f"/tariffs/versions/{id_of(version)}/",
        f"/tariffs/drafts/{id_of(draft)}/",
    ):
        assert clerk.get(address).status_code == 200


def test_an_approval_holds_for_what_was_read_only(clerk, draft):
    approval = services.submit_draft(draft, by=clerk.user, at=NOON, reason="x")
    assert (
        clerk.post(f"/tariffs/drafts/{id_of(draft)}/", form()).status_code == 200
    )  # no editor now
    clerk.post(f"/tariffs/drafts/{id_of(draft)}/reopen/")
    clerk.post(f"/tariffs/drafts/{id_of(draft)}/", form(EXAMPLES["flat"][1]))
    draft.refresh_from_db()
    services.submit_draft(draft, by=clerk.user, at=NOON, reason="y")
    second = create_user(username="second", password=None, groups=("approver",))
    with pytest.raises(AlreadyDecided, match="withdrawn"):  # with the draft that was taken back
        approvals.approve(approval, second, NOON)
    assert not TariffVersion.objects.exists()


def test_a_request_ends_when_another_clerk_takes_its_draft_back(clerk, draft):
    approval = services.submit_draft(draft, by=clerk.user, at=NOON, reason="x")
    other = create_user(username="other", password=None, groups=("tariff clerk",))
    services.reopen_draft(draft, by=other, at=NOON)
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by) == ("withdrawn", other)
    assert approval.decision_reason == "the draft was taken back to change it"
    second = create_user(username="second", password=None, groups=("approver",))
    with pytest.raises(AlreadyDecided, match="withdrawn"):
        approvals.approve(approval, second, NOON)


def test_a_draft_that_was_refused_says_so_and_why(clerk, draft):
    approval = services.submit_draft(draft, by=clerk.user, at=NOON, reason="x")
    address = f"/tariffs/drafts/{id_of(draft)}/"
    assert "waits for approval" in clerk.get("/tariffs/").content.decode()
    assert "Waits for a second person" in clerk.get(address).content.decode()
    second = create_user(username="second", password=None, groups=("approver",))
    approvals.refuse(approval, second, NOON, "the fee is too high")
    assert "not approved" in clerk.get("/tariffs/").content.decode()
    page = clerk.get(address).content.decode()
    assert "Waits for a second person" not in page
    assert "the fee is too high. Take it back" in page
    clerk.post(f"{address}reopen/")
    assert services.submit_draft(draft, by=clerk.user, at=NOON, reason="again").state == "open"
    assert "Waits for a second person" in clerk.get(address).content.decode()


def test_a_beginning_that_another_version_has_is_not_handed_in(clerk, draft):
    services.publish_version(
        code="domestic",
        name="Domestic",
        valid_from=draft.valid_from,
        rules=STEPS,
        by=console_user(),
        at=NOON,
    )
    page = clerk.post(f"/tariffs/drafts/{id_of(draft)}/submit/", {"reason": "x"})
    assert page.status_code == 422
    told = "Another version of domestic begins at 2026-12-01 00:00 SAST already; choose another"
    assert told in page.content.decode()
    assert not Approval.objects.exists()


@pytest.mark.parametrize("first_day", ["", "2026-11-20"])
def test_a_version_begins_in_the_future(clerk, draft, first_day):
    clerk.post(f"/tariffs/drafts/{id_of(draft)}/", form(first_day=first_day))
    page = clerk.post(f"/tariffs/drafts/{id_of(draft)}/submit/", {"reason": "x"})
    assert page.status_code == 422
    assert "begins in the future" in page.content.decode()


def test_the_first_version_of_a_new_tariff_may_begin_today_and_the_next_may_not(clerk, draft):
    second = create_user(username="second", password=None, groups=("approver",))
    draft.valid_from = NOON.replace(hour=0)
    draft.save()
    approval = services.submit_draft(draft, by=clerk.user, at=NOON, reason="we begin")
    approvals.approve(approval, second, NOON)
    assert version_in_force(Tariff.objects.get(code=draft.code).pk, at=NOON) is not None
    another = services.save_draft(
        draft=None,
        code=draft.code,
        name=draft.name,
        valid_from=NOON.replace(hour=1),
        rules=document.read(draft.rules),
        by=clerk.user,
        at=NOON,
    )
    with pytest.raises(InvalidTariff, match="in the future"):
        services.submit_draft(another, by=clerk.user, at=NOON, reason="x")


def test_an_approval_that_comes_too_late_changes_nothing(clerk, draft):
    approval = services.submit_draft(draft, by=clerk.user, at=NOON, reason="x")
    second = create_user(username="second", password=None, groups=("approver",))
    with pytest.raises(InvalidTariff, match="has passed"):
        approvals.approve(approval, second, NOON + timedelta(days=30))
    assert not TariffVersion.objects.exists()


def test_nobody_publishes_alone(clerk):
    publish: dict[str, Any] = {
        "code": "x",
        "name": "X",
        "valid_from": NOON,
        "rules": STEPS,
        "at": NOON,
    }
    for approved_by in (None, clerk.user):
        with pytest.raises(SecondPersonNeeded):
            publish_version(by=clerk.user, approved_by=approved_by, **publish)


def test_the_editor_shows_what_a_change_does(clerk, draft):
    page = clerk.post("/tariffs/preview/", form(bought_kwh="50")).content.decode()
    assert "1.20 per kWh up to 50 kWh" in page
    assert "50 kWh bought before" in page
    broken = form() | {"c-0-steps-0-rate": ""}
    page = clerk.post("/tariffs/preview/", broken).content.decode()
    assert "This can't be priced yet" in page
    assert TariffDraft.objects.get().changed_at == draft.changed_at


@pytest.mark.parametrize("do", ["add:tax", "remove:1", "up:1", "step:0"])
def test_buttons_change_the_page_and_store_nothing(clerk, draft, do):
    page = clerk.post(f"/tariffs/drafts/{id_of(draft)}/", form(do=do))
    assert page.status_code == 200
    draft.refresh_from_db()
    assert document.read(draft.rules) == STEPS


def test_a_draft_that_cannot_be_priced_is_not_saved(clerk):
    page = clerk.post("/tariffs/new/", form() | {"c-0-steps-0-rate": "-1"})
    assert page.status_code == 422
    assert "a rate can&#x27;t be negative" in page.content.decode()
    assert not TariffDraft.objects.exists()


@pytest.mark.parametrize("example", [*EXAMPLES, "unknown"])
def test_every_example_opens_in_the_editor(clerk, example):
    page = clerk.get("/tariffs/new/", {"example": example})
    assert page.status_code == 200
    assert "Example purchases" in page.content.decode()


def test_a_version_is_the_beginning_of_the_next(clerk):
    version = make_tariff().versions.get()
    page = clerk.get("/tariffs/new/", {"version": id_of(version)}).content.decode()
    assert 'value="test"' in page
    assert "2.50" in page


def test_a_file_brings_the_same_tariff_back(clerk, draft):
    content = clerk.get(f"/tariffs/drafts/{id_of(draft)}/file/").content
    assert json.loads(content)["code"] == "domestic"
    file = SimpleUploadedFile("domestic.json", content, "application/json")
    page = clerk.post("/tariffs/file/", {"file": file})
    copied = TariffDraft.objects.latest("pk")
    assert page["Location"] == f"/tariffs/drafts/{id_of(copied)}/"
    assert (copied.code, copied.name, copied.rules) == (draft.code, draft.name, draft.rules)
    version = make_tariff().versions.get()
    content = clerk.get(f"/tariffs/versions/{id_of(version)}/file/").content
    assert document.read({k: v for k, v in json.loads(content).items() if k in version.rules})


@pytest.mark.parametrize("content", [b"", b"[", b"7", b"{}", b"[" * 100_000, b"\xff\xfe"])
def test_a_file_that_is_none_is_told(clerk, content):
    file = SimpleUploadedFile("x.json", content)
    page = clerk.post("/tariffs/file/", {"file": file}, follow=True)
    assert page.status_code == 200
    assert not TariffDraft.objects.exists()
    assert 'class="notice danger' in page.content.decode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rouding": {}}, "The file says &#x27;rouding&#x27;, which is not known here"),
        ({"code": "my tariff"}, "The code &#x27;my tariff&#x27; may have only letters, digits"),
        ({"name": "\ud800"}, "A tariff needs a name, of letters that can be printed"),
        ({"name": "a\x00b"}, "A tariff needs a name, of letters that can be printed"),
        ({"minor_digits": 0}, "ZAR has 2 decimals, the tariff&#x27;s amounts have 0"),
        ({"format": "other"}, "This is not a tariff file: its format is not openprepay-tariff/1."),
    ],
)
def test_what_is_wrong_with_a_file_is_told_as_it_is_written(clerk, change, told):
    stated = {"code": "domestic", "name": "Domestic"} | document.write(STEPS) | change
    file = SimpleUploadedFile("x.json", json.dumps(stated).encode())
    page = clerk.post("/tariffs/file/", {"file": file}, follow=True)
    assert told in page.content.decode()
    assert not TariffDraft.objects.exists()


def test_a_discarded_draft_is_kept_but_closed(clerk, draft):
    clerk.post(f"/tariffs/drafts/{id_of(draft)}/discard/")
    draft.refresh_from_db()
    assert draft.state == "discarded"
    assert "Discarded" in clerk.get(f"/tariffs/drafts/{id_of(draft)}/").content.decode()
    with pytest.raises(DraftClosed):
        services.submit_draft(draft, by=clerk.user, at=NOON, reason="x")


def test_each_version_ends_where_the_next_begins(clerk):
    version = make_tariff().versions.get()
    second = create_user(username="second", password=None, groups=(CLERK,))
    begins = NOON + timedelta(days=1)
    publish_version(
        code="test", name="", valid_from=begins, rules=STEPS, by=second,
        approved_by=clerk.user, at=NOON,
    )  # fmt: skip
    rows: Any = with_ends(TariffVersion.objects.all())
    ends = {row.pk: row.valid_until for row in rows}
    assert ends[version.pk] == begins
    assert set(ends.values()) == {begins, None}
    assert "further notice" in clerk.get("/tariffs/").content.decode()


@pytest.mark.parametrize("group", ["cashier", "vendor cashier"])
def test_cashiers_see_no_drafts(log_in, draft, group):
    client = log_in(group)
    for address in (
        "/tariffs/",
        "/tariffs/new/",
        f"/tariffs/drafts/{id_of(draft)}/",
        f"/tariffs/drafts/{id_of(draft)}/file/",
        f"/tariffs/drafts/{id_of(draft)}/submit/",
        f"/sales/try-tariff/{id_of(draft)}/",
    ):
        assert client.get(address).status_code == 403
    assert client.post(f"/tariffs/drafts/{id_of(draft)}/discard/").status_code == 403
    assert client.post("/tariffs/new/", form()).status_code == 403


def test_who_approves_can_read_a_draft_but_not_change_it(log_in, draft):
    client = log_in("approver")
    assert "In words" in client.get(f"/tariffs/drafts/{id_of(draft)}/").content.decode()
    client.post(f"/tariffs/drafts/{id_of(draft)}/", form(name="Mine"))
    draft.refresh_from_db()
    assert draft.name == "Domestic"
