"""API keys, and the answers that programs were given."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class ApiKey(models.Model):
    """A key of a program. The secret itself is shown once and kept nowhere; its hash is here.

    A program acts under a user of its own, so that the record names it. It may have several keys:
    a new one is taken into use before the old one is revoked, and message ids go on.
    """

    program = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=100)  # what it is for, in its creator's words
    prefix = models.CharField(max_length=12, unique=True)  # the open part, to find it by
    secret_hash = models.BinaryField(max_length=32)  # SHA-256: the secret has 256 random bits
    scopes = models.JSONField()  # names of headend.api.scopes
    largest_tender_minor = models.BigIntegerField(null=True)  # of one vend; None: no limit
    daily_tender_minor = models.BigIntegerField(null=True)  # of a local day; None: no limit
    requests_per_minute = models.PositiveIntegerField(null=True)  # None: no limit
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # to within a few minutes

    class Meta:
        verbose_name = "API key"
        permissions = [("manage_keys", "Can create and revoke API keys")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class RequestTally(models.Model):
    """How many requests of a key one server process counted in a minute; see `rates`."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    minute = models.BigIntegerField()  # since 1970
    process = models.CharField(max_length=40)
    requests = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["key", "minute", "process"], name="api_tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.requests} of {self.key}"


class Answer(models.Model):
    """What a request with a message id was answered; asked again, it is answered so again."""

    program = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    message_id = models.CharField(max_length=64)
    request_digest = models.BinaryField(max_length=32)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "message_id"], name="api_answer_once"),
        ]

    def __str__(self) -> str:
        return self.message_id
