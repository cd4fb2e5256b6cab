"""Secret files of an installation: created once, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from headend.config.environment import BadSetting


def read_or_create(path: Path, *, byte_count: int) -> str:
    """Return the hexadecimal secret in a file, creating the file if there is none.

    Several processes may start at once: the one that creates the file wins and the others read
    what it wrote.

    Args:
        path: the secret's file; its folder is created.
        byte_count: length of a new secret in bytes.

    Raises:
        BadSetting: the file can't be made or read, or holds no hexadecimal secret of that length.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(path, secrets.token_hex(byte_count))
        text = path.read_text(encoding="ascii").strip()
        length = len(bytes.fromhex(text))
    except OSError as error:
        raise BadSetting(f"the secret of {path} can't be read or made ({error})") from None
    except ValueError:
        length = 0
    if length != byte_count:
        raise BadSetting(f"{path} must hold {byte_count} bytes in hexadecimal; restore it")
    return text


def replace(path: Path, text: str) -> None:
    """Put another text into a secret's file, in one step.

    Args:
        path: the secret's file.
        text: ASCII.
    """
    _draft(path, text).replace(path)


def _create(path: Path, text: str) -> None:
    """Write a new file under its final name in one step, unless another process was first."""
    draft = _draft(path, text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    """Write a text, safely on disk, into a file beside the one it is meant for."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft
