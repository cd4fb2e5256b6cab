"""Whoever changes the record by SQL, triggers switched off, is found out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from headend.accounts.models import User
from headend.accounts.services import create_user
from headend.audit import publication, services, signing
from headend.audit.models import AuditEntry, Link
from headend.audit.sealer import Sealer
from headend.audit.verification import verify

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ENTRIES = 6


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def write(user: User, number: int) -> AuditEntry:
    return services.record(
        actor=user,
        action="test.act",
        target=user,
        at=START + timedelta(seconds=number),
        before={"price": Decimal("2.50"), "at": START},
        after={"number": number, "share": 0.1, "whole": 3.0, "word": "é\U0001f4a1", "list": [1]},
        reason=f"because {number}",
        source="test",
    )


class Record:
    """A sealed and published record of some entries, and how to check it."""

    def __init__(self, seals: Path) -> None:
        self.seals = seals
        self.user = create_user(username="teller", password=None)
        self.entries = [write(self.user, number) for number in range(ENTRIES)]
        self.seal()

    def seal(self) -> None:
        head = Sealer().seal(at=START + timedelta(minutes=1))
        assert head is not None
        publication.publish(self.seals, head)

    def codes(self, *, after: timedelta = timedelta(minutes=2)) -> set[str]:
        report = verify(seals=self.seals, key=signing.own_key(), at=START + after)
        return {finding.code for finding in report.findings}

    def chain_anew(self) -> None:
        """Compute content hashes and chain afresh, as somebody clever would."""
        chain = signing.FIRST_HASH
        for position, link in enumerate(Link.objects.order_by("position"), start=1):
            content = signing.content_hash(link.entry)
            chain = signing.chain_hash(
                chain,
                position=position,
                entry_id=link.entry_id,
                sealed_at=link.sealed_at,
                content=content,
            )
            sql(
                "UPDATE audit_link SET position = %s, content_hash = %s, chain_hash = %s "
                "WHERE position = %s",
                *(position, content, chain, link.position),
            )


@pytest.fixture
def record(triggers_off: None, tmp_path: Path) -> Record:
    return Record(tmp_path)


def test_an_untouched_record_is_sound(record: Record) -> None:
    assert record.codes() == set()
    report = verify(seals=record.seals, key=signing.own_key(), at=START)
    assert (report.links, report.published, report.waiting) == (ENTRIES, 1, 0)


FIELDS = {
    "at": START,
    "actor_id": None,
    "actor_name": "somebody else",
    "source": "elsewhere",
    "action": "test.other",
    "object_type": "meters.meter",
    "object_id": "999",
    "object_label": "another",
    "before": '{"price": "2.51"}',
    "after": None,
    "reason": "because of nothing",
    "signature": bytes(48),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_changed_field_is_found(record: Record, field: str) -> None:
    is_json = field in ("before", "after") and connection.vendor == "postgresql"
    place = "%s::jsonb" if is_json else "%s"
    sql(
        f"UPDATE audit_auditentry SET {field} = {place} WHERE id = %s",
        *(FIELDS[field], record.entries[3].pk),
    )
    assert record.codes() == {"entry_changed"}


def test_no_field_was_forgotten() -> None:
    assert {field.attname for field in AuditEntry._meta.concrete_fields} == {"id", *FIELDS}


def _delete_entry(record: Record) -> None:
    sql("DELETE FROM audit_auditentry WHERE id = %s", record.entries[2].pk)


def _delete_with_link(record: Record) -> None:
    sql("DELETE FROM audit_link WHERE position = 3")
    _delete_entry(record)


def _delete_with_link_anew(record: Record) -> None:
    _delete_with_link(record)
    record.chain_anew()


def _delete_tail(record: Record) -> None:
    sql("DELETE FROM audit_link WHERE position > 4")
    for entry in record.entries[4:]:
        sql("DELETE FROM audit_auditentry WHERE id = %s", entry.pk)


def _delete_everything(record: Record) -> None:
    sql("DELETE FROM audit_link")
    sql("DELETE FROM audit_auditentry")


def _delete_links(record: Record) -> None:
    sql("DELETE FROM audit_link WHERE position > 4")


def _swap(record: Record) -> None:
    """Let two entries change places, contents and all."""
    first, second = record.entries[1].pk, record.entries[4].pk
    for old, new in ((first, 10_000), (second, first), (10_000, second)):
        sql("UPDATE audit_auditentry SET id = %s WHERE id = %s", new, old)


def _swap_anew(record: Record) -> None:
    _swap(record)
    record.chain_anew()


def _swap_links(record: Record) -> None:
    first, second = Link.objects.filter(position__in=(2, 5)).order_by("position")
    sql("DELETE FROM audit_link WHERE position IN (2, 5)")
    first.position, second.position = 5, 2
    first.save(force_insert=True)
    second.save(force_insert=True)


def _change_anew(record: Record) -> None:
    sql("UPDATE audit_auditentry SET reason = 'x' WHERE id = %s", record.entries[0].pk)
    record.chain_anew()


def _insert(record: Record) -> None:
    AuditEntry(
        at=START,
        actor=record.user,
        actor_name="teller",
        action="test.never_happened",
        object_type="meters.meter",
        object_id="1",
        object_label="1",
        signature=bytes(48),
    ).save(force_insert=True)


def _insert_and_have_it_sealed(record: Record) -> None:
    _insert(record)
    record.seal()


def _copy_and_have_it_sealed(record: Record) -> None:
    copy = record.entries[0]
    copy.pk = None
    copy.save(force_insert=True)
    record.seal()


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (_delete_entry, {"entry_deleted"}),
        (_delete_with_link, {"link_deleted"}),
        (_delete_with_link_anew, {"seal_without_link"}),
        (_delete_tail, {"seal_without_link"}),
        (_delete_everything, {"seal_without_link"}),
        (_delete_links, {"seal_without_link"}),
        (_swap, {"entry_changed"}),
        (_swap_anew, {"seal_differs"}),
        (_swap_links, {"link_changed"}),
        (_change_anew, {"entry_foreign", "seal_differs"}),
        (_insert, {"entry_foreign"}),
        (_insert_and_have_it_sealed, {"entry_foreign"}),
        (_copy_and_have_it_sealed, {"entry_copied"}),
    ],
)
def test_tampering_is_found(
    record: Record, tamper: Callable[[Record], None], expected: set[str]
) -> None:
    tamper(record)
    assert record.codes() == expected


def test_without_the_key_the_chain_is_checked_all_the_same(record: Record) -> None:
    sql("UPDATE audit_auditentry SET reason = 'x' WHERE id = %s", record.entries[0].pk)
    report = verify(seals=record.seals, key=None, at=START)
    assert [finding.code for finding in report.findings] == ["entry_changed"]
    assert not report.signatures_checked


def test_an_entry_waits_for_the_sealer_but_not_for_ever(record: Record) -> None:
    write(record.user, 60)
    assert record.codes() == set()
    assert record.codes(after=timedelta(hours=2)) == {"entry_unsealed"}
    record.seal()
    assert record.codes(after=timedelta(hours=2)) == set()


def test_published_files_that_are_taken_away_are_missed(record: Record) -> None:
    for file in record.seals.iterdir():
        file.unlink()
    assert record.codes() == set()  # the sealer may be about to publish
    assert record.codes(after=timedelta(hours=2)) == {"seal_missing"}


def test_a_file_that_is_no_seal_is_named(record: Record) -> None:
    (record.seals / "2026-11-20.jsonl").write_text('{"position": 1}\n')
    assert record.codes() == {"seal_unreadable"}
