"""A PKCS#11 token of SoftHSM2, for the tests of what keeps keys in one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headend.securitymodule import pkcs11_store
from tools.testing import parts

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
PIN = "1234567"


@pytest.fixture(scope="session")
def token(tmp_path_factory):
    """A SoftHSM2 token of this test run; returns the library and the PIN's file."""
    program = parts.program("softhsm2-util")
    library = next((one for one in LIBRARIES if Path(one).exists()), None)
    if library is None:
        parts.missing("softhsm2's library is not installed")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "pin").write_text(PIN + "\n")
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    try:
        subprocess.run(
            [
                *(program, "--init-token", "--free", "--label", "openprepay"),
                *("--so-pin", PIN, "--pin", PIN),
            ],
            check=True,
            capture_output=True,
        )
        yield library, str(folder / "pin")
    finally:
        del os.environ["SOFTHSM2_CONF"]


@pytest.fixture
def module(token, settings):
    """Have new keys go into the token."""
    settings.PKCS11_LIBRARY, settings.PKCS11_PIN_FILE = token
    return pkcs11_store.Pkcs11Store()


@pytest.fixture
def empty_token(module, token, settings):
    """Empty the token after a test, as the database is."""
    yield
    settings.PKCS11_LIBRARY, settings.PKCS11_PIN_FILE = token
    settings.PKCS11_TOKEN = "openprepay"
    for found in module._do(lambda session: list(session.get_objects({}))):
        found.destroy()
