"""A meter on memory flash with hand-driven ports, and tokens for it; runs anywhere."""

# Deepest modules first: nested imports of source files take too much stack on 32 bits.
from shared.sts import amount, token  # noqa: F401

# isort: split
from shared.sts import decoder  # noqa: F401

# isort: split
from firmware.meter import state  # noqa: F401

# isort: split
from firmware.meter import screen  # noqa: F401

# isort: split
from firmware.meter.journal import SECTORS as STATE_SECTORS
from firmware.meter.journal import Journal
from firmware.meter.meter import Meter
from firmware.meter.provisioning import provision
from firmware.meter.queue import SECTORS as QUEUE_SECTORS
from firmware.meter.queue import Queue
from firmware.meter.tests.flash import Flash, Power
from shared.sts import generation, identifiers, token_identifier
from shared.sts.cipher import make_cipher
from shared.wire import commands

NOW = 1795305600  # 2026-11-22
DRN = identifiers.make_drn("00", "00000001")
KEY = b"\x87\xf3\xec\xbb\x2e\x46\xb4\x8f"
IDENTITY = {
    "drn": DRN,
    "pan": identifiers.make_pan(DRN),
    "sgc": "201457",
    "krn": 1,
    "kt": 2,
    "ti": 1,
    "ken": 255,
    "ea": 7,
    "base_date": 2014,
    "decoder_key": KEY,
    "link_root": bytes(range(32)),
    "link_generation": 1,
}
FIRST_TID = token_identifier.from_utc(NOW, 2014)


class Clock:
    """Time that moves when told."""

    def __init__(self, utc=NOW, quality="set"):
        self.seconds = utc
        self.quality = quality
        self.ms = 0

    def utc(self):
        return None if self.quality == "unset" else self.seconds

    calendar = utc

    def ticks_ms(self):
        return self.ms & 0x3FFFFFFF

    def ticks_diff(self, later, earlier):
        return later - earlier

    def set(self, utc):
        self.seconds = utc
        self.quality = "set"

    def restore(self, utc):
        if self.quality == "unset" and utc:
            self.seconds = utc
            self.quality = "restored"

    def pass_time(self, seconds):
        self.seconds += seconds
        self.ms += seconds * 1000


class Relay:
    """A load switch that moves at once, unless it is stuck."""

    def __init__(self):
        self.closed = False
        self.stuck = False

    def is_closed(self):
        return self.closed

    def set(self, closed):
        if self.stuck:
            return False
        self.closed = closed
        return True


class Bench:
    """One provisioned meter and what surrounds it; power can be cut and comes back by `boot`."""

    def __init__(self, **settings):
        self.power = Power()
        self.flash = Flash(STATE_SECTORS, power=self.power)
        self.profile = Flash(QUEUE_SECTORS, power=self.power)
        self.clock = Clock()
        self.relay = Relay()
        self.tid = FIRST_TID
        self.n = 0
        self.boots = 0
        self.log: list = []
        self.key = KEY
        self.new_key = bytes(reversed(KEY))
        provision(self.flash, self.profile, IDENTITY, NOW, settings)
        self.boot()

    def boot(self):
        """Power comes back: a new meter over the same flash."""
        self.boots += 1
        self.pulses = 0
        self.log.clear()
        self.meter = Meter(
            Journal(self.flash),
            Queue(self.profile),
            self.clock,
            self.relay,
            {"impulses_per_kwh": 1000},
            lambda level, text: self.log.append((level, text)),
        )
        self.meter.start("nonce%d" % self.boots)
        return self.meter

    def use(self, wh):
        """Use energy, one tick per Wh."""
        for _ in range(wh):
            self.pulses += 1
            self.tick()

    def tick(self, seconds=0):
        """Let time pass and tick once."""
        self.clock.pass_time(seconds)
        self.meter.tick(self.pulses, self.clock.calendar())

    def credit_token(self, units=100, tid=None):
        """Return the digits of a new credit token (0.1 kWh units)."""
        if tid is None:
            self.tid = tid = token_identifier.following(self.tid)
        return generation.credit(make_cipher(7, self.key), units=units, tid=tid, rnd=5)

    def management_token(self, subclass, value=0):
        """Return the digits of a new management token."""
        self.tid = token_identifier.following(self.tid)
        cipher = make_cipher(7, self.key)
        return generation.management(cipher, subclass=subclass, value=value, tid=self.tid, rnd=5)

    def water_token(self):
        """Return the digits of a token for water, which this meter does not sell."""
        self.tid = token_identifier.following(self.tid)
        cipher = make_cipher(7, self.key)
        return generation.credit(cipher, subclass=1, units=1, tid=self.tid, rnd=5)

    def key_change_tokens(self):
        """Return the two tokens that put `new_key` with KRN 2 in force."""
        return generation.key_change_set(
            make_cipher(7, self.key),
            ea=7,
            new_key=self.new_key,
            kt=2,
            krn=2,
            ti=1,
            ken=255,
            sgc="201457",
            tokens=2,
        )

    def press(self, keys):
        """Press keys one after the other."""
        for key in keys:
            self.meter.key_pressed(key)

    def type_token(self, digits):
        """Type a token; return the two rows shown then."""
        self.press(digits + "#")
        return self.rows()

    def rows(self):
        """Return the two rows shown."""
        return tuple(self.meter.face().rows)

    def claims(self, cmd, args=None, n=None, **more):
        """Return the claims of a command, by default the next one."""
        if n is None:
            self.n += 1
            n = self.n
        claims = commands.envelope("command", DRN)
        claims.update({"n": n, "iat": self.clock.seconds, "cmd": cmd, "args": args or {}})
        claims.update(more)
        commands.check_command(claims, DRN)
        return claims

    def command(self, cmd, args=None, n=None, digest=None, **more):
        """Give the meter a command; return its answer."""
        claims = self.claims(cmd, args, n, **more)
        return self.meter.handle_command(claims, digest or b"%08d" % claims["n"])

    def event_codes(self):
        """Return the codes of all events in the queue."""
        messages = self.meter.pending_messages((0, 0), 9999)
        return [fields["code"] for _, _, kind, fields in messages if kind == "event"]
