"""Processes the rows of a run, many at once where possible, and records their results.

Rows of most kinds are done in batches: what they do is written together, which is several times
as fast. A row that is refused before it did anything is only an error of its own. If anything
else goes wrong, nothing of the batch is kept and a smaller one is tried, down to one row alone
with a savepoint of its own: what is said of a row never depends on its neighbours.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from headend.config import batches
from headend.config.errors import Refusal
from headend.exchange.cells import Cells
from headend.exchange.errors import RowFailed, RowRepeated
from headend.exchange.kinds import Context, Done, Kind
from headend.exchange.known import Known
from headend.exchange.models import Job, RowResult
from headend.exchange.sheets import Row

log = logging.getLogger(__name__)

_LEAST_ROWS, _MOST_ROWS = 20, 500  # of a transaction, if nothing goes wrong


class _TakenBack(Exception):
    """Ends what was only tried."""


class _Unclear(Exception):
    """Something is wrong with a row of a batch that has done something."""


class _Failed(Exception):
    """Nothing of a batch was kept; so many rows in one may be well."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows


class Work:
    """Does rows of one run.

    Args:
        job: the run.
        kind: of its sheet.
        seconds: that a transaction should take; so many rows go into a batch.

    Attributes:
        most: how many rows it wants to do next.
    """

    def __init__(self, job: Job, kind: Kind, *, seconds: float) -> None:
        self._job, self._kind, self._seconds = job, kind, seconds
        self.most = _LEAST_ROWS

    def some_rows(self, next_rows: deque[Row], *, at: datetime) -> list[RowResult]:
        """Do as many of the next rows as there is time for, and take them off.

        Args:
            next_rows: at least one, and at most `most`.
            at: now.
        """
        keys = {number: self._kind.key_of(Cells(cells)) for number, cells in next_rows}
        earlier = self._job.results.filter(key__in=[key for key in keys.values() if key])
        seen = dict(earlier.order_by("-row").values_list("key", "row"))
        for number, key in keys.items():
            seen.setdefault(key, number)
        context = Context(self._job.requested_by, at, f"import:{self._job.pk}")
        began, results = time.monotonic(), list[RowResult]()
        together = len(next_rows) if self._kind.in_batches else 0  # none: singly
        while next_rows and (not results or time.monotonic() - began < self._seconds):
            try:
                done = (
                    self._together(list(islice(next_rows, together)), keys, seen, context)
                    if together
                    else [self._singly(next_rows[0], keys[next_rows[0][0]], seen, context)]
                )
            except _Failed as failed:
                together = failed.rows
                continue
            for _ in done:
                next_rows.popleft()
            results += done
            together = max(1, 2 * together) if self._kind.in_batches else 0
        took = max(time.monotonic() - began, 0.001)
        wanted = int(len(results) * self._seconds / took)
        self.most = max(_LEAST_ROWS, min(wanted, 2 * self.most, _MOST_ROWS))
        return results

    def _together(
        self, rows: Sequence[Row], keys: dict[int, str], seen: dict[str, int], context: Context
    ) -> list[RowResult]:
        """Do rows in one batch.

        Raises:
            _Failed: none is done.
        """
        known = Known(self._kind.lookups, [Cells(cells) for _, cells in rows])
        context, results = replace(context, known=known), list[RowResult]()
        try:
            with transaction.atomic():
                with batches.batch(len(rows)) as batch:
                    for row in rows:
                        results.append(self._in_batch(batch, row, keys[row[0]], seen, context))
                if self._job.dry_run:
                    raise _TakenBack
        except _TakenBack:
            pass
        except (OperationalError, InterfaceError):
            raise
        except _Unclear:
            raise _Failed(len(results)) from None  # those before it may be well
        except DatabaseError:
            raise _Failed(len(results) // 2) from None
        return results

    def _in_batch(
        self,
        batch: batches.Batch,
        row: Row,
        key: str,
        seen: dict[str, int],
        context: Context,
    ) -> RowResult:
        before = len(batch)
        try:
            return self._result(row, key, self._act(row, key, seen, context))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if not isinstance(error, Refusal) or len(batch) != before:
                raise _Unclear from error
            transaction.set_rollback(False)  # nothing was written, so nothing is rolled back
            return self._result(row, key, error)

    def _singly(self, row: Row, key: str, seen: dict[str, int], context: Context) -> RowResult:
        """Do one row, or do it and take it back."""
        try:
            try:
                with transaction.atomic():
                    done = self._act(row, key, seen, context)
                    if self._job.dry_run:
                        raise _TakenBack
            except _TakenBack:
                pass
            except (Refusal, OperationalError, InterfaceError):
                raise
            except Exception as error:
                log.exception("a row of an import of %s failed", self._kind.name)
                fault = f"the row met a fault of the program ({type(error).__name__})"
                raise RowFailed(fault) from None
        except Refusal as error:
            return self._result(row, key, error)
        return self._result(row, key, done)

    def _act(self, row: Row, key: str, seen: dict[str, int], context: Context) -> Done:
        number, cells = row
        if key and seen[key] < number:
            raise RowRepeated(f"row {seen[key]} is about {key} already")
        return self._kind.act(Cells(cells), context)

    def _result(self, row: Row, key: str, ended: Done | Refusal) -> RowResult:
        result = RowResult(job=self._job, row=row[0], key=key)
        if isinstance(ended, Refusal):
            result.outcome = RowResult.Outcome.ERROR
            result.code, result.explanation = ended.code, str(ended)[:500]
        else:
            result.outcome, result.explanation = ended.outcome, ended.explanation[:500]
        return result
