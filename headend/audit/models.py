"""The record of who did what. Rows are only ever added; the database refuses the rest."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class AuditEntry(models.Model):
    """One act, written in the same transaction as the act itself."""

    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.CharField(max_length=150)
    source = models.CharField(max_length=100, blank=True)  # channel, address or command
    action = models.CharField(max_length=60)  # "vending.vend"
    object_type = models.CharField(max_length=60)  # "meters.meter"
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=200)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    reason = models.CharField(max_length=500, blank=True)
    signature = models.BinaryField(max_length=48)  # of headend.audit.signing

    class Meta:
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="audit_by_object"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
        ]
        permissions = [("search_audit", "Can search the audit record")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action} {self.object_label}"


class Link(models.Model):
    """One link of the hash chain, made by the sealer: an entry and its place for ever."""

    position = models.BigIntegerField(primary_key=True)  # 1, 2, 3 ... without gaps
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="link")
    sealed_at = models.DateTimeField(db_index=True)
    content_hash = models.BinaryField(max_length=32)  # of the entry
    chain_hash = models.BinaryField(max_length=32)  # of this link and all before it

    def __str__(self) -> str:
        return f"link {self.position}"
