"""The people and programs that use the head-end."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import AbstractUser, Group
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q


class User(AbstractUser):
    """Somebody who may log in, or a program that acts under its own name.

    What a user may do comes from groups; see `headend.accounts.groups`.
    """

    class Meta(AbstractUser.Meta):
        permissions = [
            ("manage_people", "Can manage people and groups"),
            ("approve_people", "Can approve who decides and manages people"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the user may do something; what is known already is not looked up."""
        known: Collection[str] | None = self.__dict__.get("_perm_cache")
        if known is None or obj is not None or self.is_superuser:
            return bool(super().has_perm(perm, obj))
        return self.is_active and perm in known


class GroupRule(models.Model):
    """What a group asks of its members besides a password."""

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="rule")
    needs_second_factor = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()  # who may manage people may do all of it

    def __str__(self) -> str:
        return f"rule of {self.group}"


class SecondFactor(models.Model):
    """Something a person has besides a password: an authenticator app or a passkey."""

    AUTHENTICATOR, PASSKEY = "authenticator app", "passkey"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="second_factors")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    sealed_secret = models.BinaryField(default=b"")  # of the app, under the secret key
    last_step = models.PositiveBigIntegerField(default=0)  # of the app: no code serves twice
    credential_id = models.BinaryField(null=True, unique=True)  # of the passkey, with its key
    public_key = models.BinaryField(default=b"")
    sign_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} “{self.name}” of {self.user}"


class RecoveryCode(models.Model):
    """A code for the day the second factor is lost; each serves once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class GivenPassword(models.Model):
    """Somebody's password was set by one other person alone, who may know it.

    Neither of the two decides on what the other asks for.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "by"], name="given_password_once")]

    def __str__(self) -> str:
        return f"password of {self.user} by {self.by}"


class OneTimePassword(models.Model):
    """Somebody's password is one that another person set: it serves to choose an own one."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"password of {self.user} to be changed"


class WaitingPassword(models.Model):
    """The hash of a password that waits for a second person; requests hold no secrets."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    encoded = models.CharField(max_length=128)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"new password of {self.user}"


class LogInAttempt(models.Model):
    """One wrong or unfinished try to log in, by which further tries are slowed down."""

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["username", "at"], name="attempt_by_username"),
            models.Index(fields=["address", "at"], name="attempt_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.username} from {self.address} at {self.at:%Y-%m-%d %H:%M:%S}"


class Approval(models.Model):
    """One act that waits for a second person, or waited for one.

    What was asked for can't be changed afterwards: the database refuses it, and it refuses an
    approval by the person who asked.
    """

    OPEN, APPROVED, REFUSED, WITHDRAWN = "open", "approved", "refused", "withdrawn"

    act = models.CharField(max_length=60)  # "debts.write_off"
    arguments = models.JSONField(encoder=DjangoJSONEncoder)
    summary = models.CharField(max_length=4000)  # a whole tariff in words
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default=OPEN)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True)
    target_type = models.CharField(max_length=60, blank=True)  # what the act made or changed
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_by=None, decided_at=None)
                | Q(
                    state__in=("approved", "refused", "withdrawn"),
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="approval_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("approved", "refused"), decided_by=F("requested_by")),
                name="approval_by_a_second_person",
            ),
        ]
        indexes = [models.Index(fields=["state", "requested_at"], name="approval_inbox")]

    def __str__(self) -> str:
        return self.summary
