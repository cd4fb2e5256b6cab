"""What the customer sees: rows of the display, short codes, lamps."""

from firmware.meter.tests import kit  # noqa: F401 - loads deep modules first, for 32 bits

# isort: split
from firmware.meter import wording
from firmware.meter.tests.kit import Bench
from shared.sts import generation
from shared.wire import codes
from shared.wire.keypad_messages import LAMP_GREEN, LAMP_LINK


def test_a_meter_test_shows_one_screen_after_the_other():
    bench = Bench(credit_wh=2500)
    bench.use(100)
    token = generation.meter_test(subclass=0, control=0b101, mfr_code="00")
    assert bench.type_token(token) == ("Load", "On")
    bench.press("#")
    assert bench.rows() == ("Total used", "        0.10 kWh")
    bench.tick(6)
    assert bench.rows()[0] == "Credit  2.40 kWh"


def test_digits_stand_in_groups_while_they_are_typed():
    bench = Bench()
    bench.press("12345")
    assert bench.rows() == ("1234 5", "")
    assert bench.meter.face().cursor == 6
    bench.press("*")
    assert bench.rows() == ("1234", "")
    bench.press("567890123456")
    assert bench.rows() == ("1234 5678 9012", "3456")
    assert bench.meter.face().cursor == 16 + 5
    bench.press("#")
    assert bench.rows() == ("Too short:", "20 digits needed")
    bench.press("#")  # the entry is still there
    assert bench.rows() == ("1234 5678 9012", "3456")
    bench.press("78901")  # the last one is too many
    assert bench.rows() == ("1234 5678 9012", "3456 7890")
    assert bench.meter.face().cursor is None
    bench.tick(31)
    assert bench.rows()[0] == "Credit  0.00 kWh"


def test_credit_is_shown_with_the_decimals_that_there_is_room_for():
    shown = {
        99_999: "Credit 99.99 kWh",
        144_900: "Credit 144.9 kWh",
        1_234_567: "Credit  1234 kWh",
        -5_120: "Credit -5.12 kWh",
        -123_456: "Credit  -123 kWh",
    }
    for credit_wh, row in shown.items():
        assert Bench(credit_wh=credit_wh).rows()[0] == row


def test_short_codes_show_information():
    bench = Bench(credit_wh=1234567)
    bench.press("1#")
    assert bench.rows() == ("Credit", "      1234.5 kWh")
    bench.press("5#")
    assert bench.rows() == ("Meter number", bench.meter.state.drn)
    bench.press("6#")
    assert bench.rows() == ("SGC    KRN TI", "201457  1  01")
    bench.press("99#")
    assert bench.rows() == ("No such code", "Try 1 to 14")
    for code in range(1, 15):
        bench.press("%d#" % code)
        rows = bench.rows()
        assert rows[0] != "No such code"
        assert max(len(row) for row in rows) <= 16, rows


def test_all_texts_fit_the_display():
    for language in (0, 1):
        words = wording.words(language)
        packed = words._packed
        assert packed.count("|") == wording.REMOTE + 1
        assert all([words[wording.REMOTE], words.result(1), words.result(codes.STORAGE_FAULT)])
        assert not any([words.result(code) for code in (0, 16, 19)])
        for text in packed.split("|"):
            assert max(len(row) for row in text.split("\n")) <= 16, text
            assert text.count("\n") <= 1


def test_tokens_taken_are_shown_newest_first():
    bench = Bench()
    bench.press("4#")
    assert bench.rows() == ("No token yet", "")
    bench.meter.enter_token(bench.credit_token(10), "keypad")
    bench.command("token", {"digits": bench.credit_token(20)})
    bench.press("4#")
    assert bench.rows() == ("Token 1 2.00 kWh", "from utility")
    bench.press("#")
    assert bench.rows() == ("Token 2 1.00 kWh", "by keypad")


def test_days_left_follow_use():
    bench = Bench(credit_wh=48_000)
    assert bench.meter.days_left() is None
    for _ in range(60):
        bench.pulses += 20
        bench.tick(120)
    assert bench.meter.days_left() == 46_800 * 7080 // (1200 * 86400)
    bench.press("8#")
    assert bench.rows() == ("Days left", "3")


def test_the_link_lamp():
    bench = Bench(credit_wh=50_000)
    bench.meter.set_linked(True)
    assert bench.meter.face().lamps == LAMP_GREEN | LAMP_LINK
