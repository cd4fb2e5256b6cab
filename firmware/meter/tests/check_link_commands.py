"""What the link does with commands of the head-end, and of others; runs anywhere."""

import hashlib

from firmware.meter.tests import kit
from firmware.meter.tests.link_bench import DOWN, DOWN_ID, DOWN_KEY, UP_ID, UP_KEY, Bench
from firmware.meter.tests.mqtt_peer import run
from shared.wire import codes, commands, jws


def test_a_command_is_received_done_and_reported():
    async def story():
        bench = Bench()
        await bench.connect()
        bench.client.out = []
        kept, acks = await bench.down(bench.claims("token", {"digits": bench.credit_token(500)}))
        assert kept
        assert acks[0]["stage"] == "received"
        assert acks[1]["stage"] == "done"
        assert acks[1]["status"] == 1
        assert acks[1]["detail"]["credited_wh"] == 50000
        await bench.go_round(2)
        state = bench.client.of_kind("state")[0]
        assert state["credit_wh"] == 50000
        assert state["last_n"] == 1
        told = [each["code"] for each in bench.client.of_kind("event")]
        assert codes.EVENT_TOKEN_ACCEPTED in told
        await bench.stop()

    run(story())


def test_the_same_bytes_take_effect_once_and_get_the_first_answer():
    async def story():
        bench = Bench()
        await bench.connect()
        claims = bench.claims("token", {"digits": bench.credit_token(500)})
        first = await bench.down(claims)
        for _ in range(3):
            assert await bench.down(claims) == first
        assert bench.meter.state.credit_wh == 50000
        await bench.stop()
        bench.boot()
        bench.start_link()
        await bench.connect()
        assert await bench.down(claims) == first
        assert bench.meter.state.credit_wh == 50000
        await bench.stop()

    run(story())


def test_other_bytes_with_an_old_number_are_refused_as_replayed():
    async def story():
        bench = Bench()
        await bench.connect()
        await bench.down(bench.claims("token", {"digits": bench.credit_token(500)}))
        claims = bench.claims("token", {"digits": bench.credit_token(100)}, n=1)
        _, acks = await bench.down(claims)
        assert acks[-1]["status"] == codes.REPLAYED
        assert bench.meter.state.credit_wh == 50000
        assert codes.EVENT_COMMAND_REPLAYED in bench.event_codes()
        await bench.stop()

    run(story())


def test_what_is_not_authentic_is_dropped_without_an_answer_and_noted():
    async def story():
        bench = Bench()
        await bench.connect()
        bench.client.out = []
        claims = bench.claims("token", {"digits": bench.credit_token(500)})
        signed = jws.sign(claims, DOWN_KEY, DOWN_ID)
        altered = bytearray(signed)
        altered[-1] ^= 1
        stranger = dict(claims)
        stranger["sub"] = "00000000026"
        watermark = commands.envelope("stored", kit.DRN)
        watermark.update({"boot": 1, "seq": 1})
        nothing = (
            b"",
            b"hello",
            bytes(altered),
            signed[:-1],
            jws.sign(claims, UP_KEY, DOWN_ID),
            jws.sign(claims, DOWN_KEY, "down0"),
            jws.sign(claims, UP_KEY, UP_ID),
            jws.sign(stranger, DOWN_KEY, DOWN_ID),
            jws.sign(watermark, DOWN_KEY, DOWN_ID),
            jws.sign({}, DOWN_KEY, DOWN_ID),
        )
        for message in nothing:
            assert await bench.client.arrive(DOWN, message)
        assert bench.client.out == []
        assert bench.meter.state.last_n == 0
        assert bench.meter.state.credit_wh == 0
        # A flood of them must not push honest events out of storage.
        assert bench.event_codes().count(codes.EVENT_COMMAND_FORGED) == 1
        bench.clock.pass_time(61)
        await bench.client.arrive(DOWN, b"once more")
        assert bench.event_codes().count(codes.EVENT_COMMAND_FORGED) == 2
        _, acks = await bench.down(claims)
        assert acks[-1]["status"] == 1
        await bench.stop()

    run(story())


def test_a_signed_command_that_makes_no_sense_is_answered():
    async def story():
        bench = Bench()
        await bench.connect()
        claims = bench.claims("ping")
        for change, status in (
            ({"cmd": "format_flash"}, codes.UNKNOWN_COMMAND),
            ({"v": 9}, codes.UNKNOWN_COMMAND),
            ({"cmd": "token"}, codes.BAD_ARGUMENTS),
            ({"args": {"loud": True}}, codes.BAD_ARGUMENTS),
        ):
            bad = dict(claims)
            bad.update(change)
            kept, acks = await bench.down(bad)
            assert kept
            assert [(ack["stage"], ack["status"]) for ack in acks] == [("done", status)]
        assert bench.meter.state.last_n == 0
        await bench.stop()

    run(story())


def test_commands_out_of_date_or_for_another_boot_are_refused():
    async def story():
        bench = Bench()
        await bench.connect()
        action = {"action": "disconnect"}
        late = bench.claims("load_switch", action, exp=kit.NOW - 1)
        assert (await bench.down(late))[1][-1]["status"] == codes.EXPIRED
        other_boot = bench.claims("load_switch", action, boot="another")
        assert (await bench.down(other_boot))[1][-1]["status"] == codes.CLOCK_MISMATCH
        assert "remote" not in bench.meter.state_message()["open_reasons"]
        timely = bench.claims("load_switch", action, exp=kit.NOW + 60)
        assert (await bench.down(timely))[1][-1]["status"] == codes.OK
        assert "remote" in bench.meter.state_message()["open_reasons"]
        await bench.stop()

    run(story())


def test_the_digest_is_that_of_the_bytes():
    async def story():
        bench = Bench()
        await bench.connect()
        claims = bench.claims("configure", {"low_credit_wh": 7000})
        await bench.down(claims)
        digest = hashlib.sha256(jws.sign(claims, DOWN_KEY, DOWN_ID)).digest()[:8]
        assert bench.meter.state.answers[-1][1] == digest
        await bench.stop()

    run(story())
