"""Uploaded sheets, the progress of each run, and each row's result."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Sheet(models.Model):
    """A file of rows. Its content is kept in pieces until it was imported.

    That of a workbook is kept as it came until it was read for the first time, and then as the
    rows that were read, which is much quicker to read again.
    """

    class Format(models.TextChoices):
        """How rows are written."""

        CSV = "csv"
        XLSX = "xlsx"

    kind = models.CharField(max_length=20)  # a name of kinds.KINDS
    file_name = models.CharField(max_length=120)
    file_format = models.CharField(max_length=4, choices=Format.choices)
    digest = models.BinaryField(max_length=32)
    size_bytes = models.PositiveIntegerField()
    is_read = models.BooleanField(default=False)  # the pieces have rows, not the file
    # Without the heading and blank rows; counted by the first run over it.
    row_count = models.PositiveIntegerField(null=True)
    handed_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    handed_in_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.file_name} ({self.kind})"


class Piece(models.Model):
    """A part of a sheet's file."""

    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, related_name="pieces")
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        ordering = ["sheet", "position"]
        constraints = [models.UniqueConstraint(fields=["sheet", "position"], name="piece_once")]

    def __str__(self) -> str:
        return f"{self.sheet} piece {self.position}"


class Job(models.Model):
    """One run over a sheet: on trial, which takes each row back, or in earnest."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    sheet = models.ForeignKey(Sheet, on_delete=models.PROTECT, related_name="jobs")
    dry_run = models.BooleanField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    rows_done = models.PositiveIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)  # why it was stopped
    # Who works on it, and until when nobody else may take it over.
    holder = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("import_sheet", "Can import sheets"),
            ("export_sheet", "Can export registers as sheets"),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=("waiting", "running")),
                name="job_to_do",
            )
        ]

    def __str__(self) -> str:
        return f"{'trial' if self.dry_run else 'import'} of {self.sheet}"

    @property
    def percent(self) -> int:
        """How much of the sheet is done, 0..100."""
        if not self.sheet.row_count:
            return 100 if self.is_finished else 0
        return 100 * self.rows_done // self.sheet.row_count

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in (self.State.DONE, self.State.STOPPED)


class RowResult(models.Model):
    """What became of one row of a run."""

    class Outcome(models.TextChoices):
        """How it ended; on trial, how it would have."""

        ADDED = "added"
        CHANGED = "changed"
        UNCHANGED = "unchanged"
        ERROR = "error"

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="results")
    row = models.PositiveIntegerField()  # as a spreadsheet counts: the heading is row 1
    key = models.CharField(max_length=120)  # names what the row is about
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    code = models.CharField(max_length=40, blank=True)
    explanation = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["job", "row"]
        constraints = [models.UniqueConstraint(fields=["job", "row"], name="row_result_once")]
        indexes = [
            models.Index(fields=["job", "key"], name="row_result_by_key"),
            models.Index(fields=["job", "outcome", "row"], name="row_result_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"row {self.row}: {self.outcome}"
