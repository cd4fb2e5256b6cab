"""The tasks that connect the meter to its board: metering, keypad, head-end, supervision."""

import asyncio
import gc
import json
from binascii import hexlify

# Deepest modules first: each import within an import takes stack, of which there is little.
from shared.sts import amount, token  # noqa: F401

# isort: split
from shared.sts import decoder  # noqa: F401

# isort: split
from firmware.meter import state  # noqa: F401

# isort: split
from firmware.meter import commands, screen  # noqa: F401

# isort: split
from firmware.meter.headend_link import HeadendLink, client_factory
from firmware.meter.journal import Journal
from firmware.meter.keypad_link import KeypadLink
from firmware.meter.meter import Meter
from firmware.meter.queue import Queue
from firmware.meter.ring import StorageFault
from shared.wire import codes, topics

SETTINGS_FILE = "config.json"
_TICK_S = 0.15
_SUPERVISION_S = 1
_STORAGE_RETRY_S = 60
_RESTART_S = 1
_NONCE_BYTES = 8


def read_settings(log):
    """Return the settings file as a dict; a missing or broken one is logged and counts as empty.

    Args:
        log: log(level, text).
    """
    try:
        with open(SETTINGS_FILE) as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        log("error", SETTINGS_FILE + ": " + repr(error))
        return {}


async def run(board):
    """Run the meter on a board until the power goes.

    Args:
        board: as firmware/boards/metering_side.py describes it.
    """
    gc.threshold(2048)  # type: ignore[attr-defined]
    log = _forgiving(board.log)
    settings = read_settings(log)
    meter = Meter(
        Journal(board.state_partition),
        Queue(board.profile_partition),
        board.clock,
        board.relay,
        settings,
        log,
    )
    meter.start(hexlify(board.random(_NONCE_BYTES)).decode())
    if not meter.fault:
        meter.state.decoder.prepare()
    gc.collect()
    keypad = KeypadLink(
        board.keypad_stream,
        meter,
        board.clock,
        meter.state.drn,
        lambda link: meter.report_event(_keypad_event(link)),
    )
    beats = [0]
    tasks = [
        _metering(board, meter, beats, log),
        keypad.run(),
        _supervision(board, settings, beats),
        _storage(meter, keypad, log),
    ]
    if settings.get("mqtt") and not meter.fault:
        tasks.append(_headend(board, meter, settings["mqtt"], log))
    await asyncio.gather(*[_kept_alive(board, task, log) for task in tasks])


def _forgiving(log):
    """Return a log that drops a line for which there is no memory."""

    def write(level, text):
        try:
            log(level, text)
        except MemoryError:
            gc.collect()

    return write


async def _kept_alive(board, task, log):
    """Run a task; should it ever end, say why and restart the board (the journal is safe)."""
    try:
        await task
    except Exception as error:
        gc.collect()
        log("error", "task ended: " + repr(error))
    await asyncio.sleep(_RESTART_S)
    board.restart()


async def _metering(board, meter, beats, log):
    calendar = board.clock.calendar
    total = board.pulses.total
    while True:
        try:
            meter.tick(total(), calendar())
            beats[0] += 1
        except MemoryError as error:
            gc.collect()
            log("error", "metering: " + repr(error))
        await asyncio.sleep(_TICK_S)


async def _supervision(board, settings, beats):
    """Feed the watchdog while metering goes on, and keep the network up."""
    wireless = settings.get("wifi")
    if wireless:
        board.network.start(wireless["name"], wireless["password"])
    seen = -1
    while True:
        if beats[0] != seen:
            seen = beats[0]
            board.watchdog.feed()
        if wireless and not board.network.is_up():
            board.network.retry()
        await asyncio.sleep(_SUPERVISION_S)


async def _storage(meter, keypad, log):
    while True:
        await asyncio.sleep(prepare_storage(meter, keypad, log))


def prepare_storage(meter, keypad, log):
    """Erase flash ahead of need, so that what is written when power fails is only programmed.

    Erasing a sector holds everything up for some 80 ms, longer than an answer of the keypad may
    take: so none is erased while one is due.

    Returns:
        In how many seconds to do so again.
    """
    if keypad.is_asking:
        return _TICK_S
    try:
        meter.prepare_storage()
    except MemoryError:
        gc.collect()
    except StorageFault as error:
        log("error", "storage: " + repr(error))
        return _STORAGE_RETRY_S
    return _SUPERVISION_S


async def _headend(board, meter, settings, log):
    def random_below(count):
        return int.from_bytes(board.random(3), "big") % count

    def say(text):
        log("info", text)

    own = meter.state
    link = HeadendLink(
        meter,
        own.drn,
        own.link_root,
        own.link_generation,
        client_factory(settings, own.drn, random_below, say),
        settings.get("prefix") or topics.PREFIX,
        board.clock,
        say,
    )
    await asyncio.gather(link.run(), _link_lamp(meter, link))


async def _link_lamp(meter, link):
    shown = False
    while True:
        if link.up != shown:
            shown = link.up
            meter.set_linked(shown)
        await asyncio.sleep(_SUPERVISION_S)


def _keypad_event(link):
    if link.is_foreign:
        return codes.EVENT_FOREIGN_KEYPAD
    return codes.EVENT_KEYPAD_BACK if link.is_up else codes.EVENT_KEYPAD_LOST
