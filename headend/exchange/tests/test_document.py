"""docs/exchange.md names the columns that the code reads and writes."""

from pathlib import Path

from headend.exchange import reference

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "exchange.md"


def test_the_tables_of_columns_are_of_now():
    document = DOCUMENT.read_text()
    assert document == reference.with_columns(document), (
        "run: python -m headend.manage exchange_reference"
    )
