"""The printed table says its figures in full, however narrow the place it is printed to."""

from io import StringIO

from rich.console import Console

from bench.__main__ import print_table
from bench.result import Result


def test_no_figure_is_cut_short() -> None:
    row = Result("vend_http_16_clients", 1234.5, "vends/s", "raw SQL in the same run", 9876, 15)
    narrow = Console(file=StringIO(), width=40)
    print_table([row], narrow)
    assert isinstance(narrow.file, StringIO)
    (line,) = [each for each in narrow.file.getvalue().splitlines() if row.name in each]
    for figure in ("1,234", "vends/s", "raw SQL in the same run", "9,876", "0.12", "15"):
        assert figure in line
