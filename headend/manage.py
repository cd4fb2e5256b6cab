"""Django's command line for the head-end: `python -m headend.manage COMMAND`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the management command named on the command line.

    Exit status: 0 done, 1 refused, 2 asked wrongly or a bad setting, 3 the database is silent.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headend.config.settings")
    from django.core.management import execute_from_command_line
    from django.db import InterfaceError, OperationalError, ProgrammingError

    from headend.audit import origin
    from headend.config import trouble
    from headend.config.environment import BadSetting

    try:
        with origin.coming_from(origin.COMMAND_LINE):
            execute_from_command_line(sys.argv)
    except BadSetting as error:
        _fail(trouble.ASKED_WRONGLY, str(error))
    except (InterfaceError, OperationalError, ProgrammingError) as error:
        if "--traceback" in sys.argv:
            raise
        found = trouble.with_database(error)
        _fail(found.status, found.text)


def _fail(status: int, text: str) -> None:
    sys.stderr.write(f"Error: {text}\n")
    raise SystemExit(status)


if __name__ == "__main__":
    main()
