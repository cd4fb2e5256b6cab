"""What a command says about a database that does not do what it asks."""

import pytest
from django.db import OperationalError, ProgrammingError, connection

from headend.config import trouble


@pytest.mark.parametrize("asked", ["SELECT 1 FROM not_there", "SELECT not_there FROM auth_group"])
def test_a_database_that_was_not_migrated_is_told_with_the_remedy(asked, db):
    with pytest.raises((OperationalError, ProgrammingError)) as raised, connection.cursor() as one:
        one.execute(asked)
    found = trouble.with_database(raised.value)
    assert (found.status, found.code) == (trouble.REFUSED, "database_missing")
    assert "migrate" in found.text


def test_any_other_silence_leaves_it_unknown():
    found = trouble.with_database(OperationalError("server closed the connection\n\tmore"))
    assert found.status == trouble.UNKNOWN
    assert found.text == "no answer from the database (server closed the connection)"
