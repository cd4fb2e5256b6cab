"""Pages of lists that may be of any length."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

MOST_SHOWN = 10_000


class LongList(Paginator):
    """Pages of the first rows of a list: nobody turns more pages than that, they search.

    It counts no further either, so a list of millions opens as quickly as a short one.
    """

    object_list: Any  # a query

    @cached_property
    def count(self) -> int:
        """How many rows are shown."""
        return min(self._counted, MOST_SHOWN)

    @property
    def is_cut(self) -> bool:
        """Whether there are more than are shown."""
        return self._counted > MOST_SHOWN

    @cached_property
    def _counted(self) -> int:
        return int(self.object_list.order_by()[: MOST_SHOWN + 1].count())
