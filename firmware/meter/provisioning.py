"""Making a new meter: its first journal and empty message queue, where its flash can be reached.

Runs on CPython over image files as well as on a device.
"""

from firmware.meter.journal import Journal
from firmware.meter.queue import Queue
from firmware.meter.state import ACTIVE, MeterState
from shared.sts import identifiers, token_identifier
from shared.sts.decoder import DecoderState

_IDENTITY = (
    "drn",
    "pan",
    "sgc",
    "krn",
    "kt",
    "ti",
    "ken",
    "ea",
    "base_date",
    "decoder_key",
    "link_root",
    "link_generation",
)
_ROOT_LENGTH = 32
_SETTINGS = (
    "low_credit_wh",
    "low_credit_hysteresis_wh",
    "reading_interval_s",
    "reclose",
    "credit_wh",
    "power_limit_w",
)


class BadIdentity(ValueError):
    """A provisioning value is missing or wrong; the text says which."""


def provision(state_device, profile_device, identity, provisioned_at, settings=None):
    """Write the first journal of a meter; whatever was on both partitions is gone.

    The token store is filled with the minute before provisioning, so that tokens of an earlier
    life are too old and one that is issued at once is not.

    Args:
        state_device: "state" partition, a block device of 16 sectors of 4096 bytes.
        profile_device: "profile" partition of 32 sectors.
        identity: dict with drn (11 or 13 digits), pan (18 digits), sgc (6 digits, str or int),
            krn, kt, ti, ken, ea (7 or 11), base_date (1993, 2014 or 2035), decoder_key (8 or 16
            bytes), link_root (32 bytes), link_generation (1..65535).
        provisioned_at: UTC seconds.
        settings: dict of settings of the state to begin with, such as low_credit_wh.

    Returns:
        MeterState: as written.

    Raises:
        BadIdentity: a value is missing or does not fit.
        WrongFormat, OutOfRange: a number is none (shared/sts/errors.py).
        StorageFault: flash does not hold it.
    """
    state = _first_state(identity, provisioned_at)
    for name, value in (settings or {}).items():
        if name not in _SETTINGS:
            raise BadIdentity("no setting is called " + name)
        setattr(state, name, value)
    journal = Journal(state_device)
    journal.format()
    Queue(profile_device).format()
    journal.save(state)
    return state


def _first_state(identity, provisioned_at):
    missing = [name for name in _IDENTITY if name not in identity]
    if missing:
        raise BadIdentity("provisioning needs " + ", ".join(missing))
    drn = identity["drn"]
    identifiers.require_drn(drn)
    if identity["pan"] != identifiers.make_pan(drn):
        raise BadIdentity("PAN " + identity["pan"] + " is not that of meter " + drn)
    sgc = "%06d" % int(identity["sgc"])
    kt, krn, ti = identity["kt"], identity["krn"], identity["ti"]
    if kt or krn:  # the initialisation key of a factory (KT 0) has no revision
        identifiers.require_key_attributes(sgc, kt, krn, ti)
    ea = identity["ea"]
    if len(identity["decoder_key"]) != {7: 8, 11: 16}.get(ea):
        raise BadIdentity("the decoder key has 8 bytes for EA 7 and 16 for EA 11")
    if len(identity["link_root"]) != _ROOT_LENGTH:
        raise BadIdentity("the link root has 32 bytes")
    state = MeterState()
    state.drn, state.pan = drn, identity["pan"]
    state.link_root = bytes(identity["link_root"])
    state.link_generation = identity["link_generation"]
    state.account_status = ACTIVE
    state.last_utc = provisioned_at
    key = DecoderState(ea, bytes(identity["decoder_key"]), int(sgc), kt, krn, ti)
    key.ken = identity["ken"]
    key.mfr_code = drn[:-9]
    key.base_date = identity["base_date"]
    minute = token_identifier.from_utc(provisioned_at, key.base_date)
    key.fill_token_identifiers(max(minute - 1, 0))
    # A later provisioning begins above every power-up number of the life before.
    state.boot = minute
    state.decoder = key
    return state
