"""A written flash is one the firmware starts from, and nobody else may read it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from firmware.meter.journal import Journal
from firmware.meter.state import MeterState
from shared.sts import identifiers
from tools.provision import label, service
from tools.provision.flash import PARTITIONS, SECTOR, FileFlash
from tools.provision.label import Label

PROVISIONED_AT = 1_795_000_000


@pytest.fixture
def identity() -> dict[str, Any]:
    return {
        "drn": "04100000019",
        "pan": identifiers.make_pan("04100000019"),
        "sgc": "201457",
        "krn": 1,
        "kt": 2,
        "ti": 1,
        "ken": 255,
        "ea": 7,
        "base_date": 2014,
        "decoder_key": bytes(range(8)),
        "link_root": bytes(range(32)),
        "link_generation": 1,
    }


def test_the_firmware_reads_back_what_was_written(
    tmp_path: Path, identity: dict[str, Any]
) -> None:
    home = tmp_path / "meter"
    service.write_flash(
        home, identity, provisioned_at=PROVISIONED_AT, settings={"credit_wh": 1234}
    )
    for name, sectors in PARTITIONS.items():
        assert (home / f"{name}.bin").stat().st_size == sectors * SECTOR
    state = MeterState()
    Journal(FileFlash(home / "state.bin", PARTITIONS["state"])).load(state)
    assert state.drn == identity["drn"]
    assert state.decoder is not None
    assert state.decoder.decoder_key == identity["decoder_key"]
    assert state.credit_wh == 1234


def test_only_the_owner_may_read_a_meters_flash(tmp_path: Path, identity: dict[str, Any]) -> None:
    home = tmp_path / "meter"
    service.write_flash(home, identity, provisioned_at=PROVISIONED_AT)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_meter_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    (tmp_path / "state.bin").write_bytes(b"credit")
    with pytest.raises(service.AlreadyProvisioned, match="--destroy-credit"):
        service.provision("04100000019", folder=tmp_path, board="combined")
    assert (tmp_path / "state.bin").read_bytes() == b"credit"


def test_the_broker_is_set_without_losing_other_settings(tmp_path: Path) -> None:
    service.write_settings(tmp_path, {"impulses_per_kwh": 1600, "mqtt": None})
    service.set_broker(tmp_path, host="broker.example", port=1884, user="04100000019")
    service.set_broker(tmp_path, host="127.0.0.1", port=1883)
    text = (tmp_path / "config.json").read_text()
    assert '"impulses_per_kwh": 1600' in text
    assert '"mqtt": {"host": "127.0.0.1", "port": 1883}' in text


def test_a_new_broker_replaces_what_the_network_cable_remembered(tmp_path: Path) -> None:
    cable = {"host": "127.0.0.1", "port": 8403}
    service.write_settings(tmp_path, {"mqtt": cable | {"port": 35481}, "broker": cable})
    service.set_broker(tmp_path, host="127.0.0.1", port=8402)
    settings = json.loads((tmp_path / "config.json").read_text())
    assert settings == {"mqtt": {"host": "127.0.0.1", "port": 8402}}


def test_labels_come_back_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for drn in ("04100000027", "04100000019"):
        folder = tmp_path / drn
        folder.mkdir()
        label.write(Label(folder, drn, "split", "Thandi Mokoena"))
    found = label.labels_in(tmp_path)
    assert [each.drn for each in found] == ["04100000019", "04100000027"]
    assert found[0] == Label(tmp_path / "04100000019", "04100000019", "split", "Thandi Mokoena")


def test_flash_only_clears_bits_until_it_is_erased(tmp_path: Path) -> None:
    flash = FileFlash(tmp_path / "state.bin", 2)
    flash.writeblocks(1, b"\x0f", 8)
    flash.writeblocks(1, b"\xf1", 8)
    byte = bytearray(1)
    flash.readblocks(1, byte, 8)
    assert byte == b"\x01"
    flash.ioctl(6, 1)
    flash.readblocks(1, byte, 8)
    assert byte == b"\xff"
