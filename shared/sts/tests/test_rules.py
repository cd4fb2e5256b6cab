"""The rules one by one; plain functions, so that they also run inside MicroPython."""

from shared.sts import amount, crc, generation, identifiers, result, sta, transport
from shared.sts import token as fields
from shared.sts import token_identifier as tids
from shared.sts.cipher import make_cipher
from shared.sts.errors import (
    KeyExpired,
    KeyTypeRefused,
    OutOfRange,
    StsError,
    UnknownFunction,
    WrongFormat,
)

KEY = bytes.fromhex("87f3ecbb2e46b48f")
KEY_128 = bytes.fromhex("929bd3a415c9420a05ec5ee9f3ce91c3")
PAN = "600727000000000009"


def refused(error, function, *arguments, **named):
    """Return whether a call raises an error, which must be a named one of this package."""
    try:
        function(*arguments, **named)
    except StsError as raised:
        return isinstance(raised, error) and raised.code == error.code != 0
    return False


def test_a_meter_number_and_its_pan_carry_check_digits():
    assert identifiers.make_drn("07", "12345678") == "07123456787"
    assert identifiers.make_drn("0100", "00000000") == "0100000000008"
    assert identifiers.make_pan("0100000000008") == "000001000000000082"
    assert identifiers.make_pan("00000000000") == PAN
    assert identifiers.split_pan(PAN) == ("600727", "00000000000")
    assert identifiers.split_pan("000001000000000082") == ("0000", "0100000000008")


def test_wrong_meter_numbers_are_refused():
    for drn in ("12345678904", "11111111113", "1234567890", "1234567890x", "123456789012", ""):
        assert refused(WrongFormat, identifiers.make_pan, drn), drn
    assert refused(WrongFormat, identifiers.require_pan, "600727000000000008")
    assert refused(WrongFormat, identifiers.make_drn, "7", "12345678")
    assert refused(WrongFormat, identifiers.make_drn, "07", "1234567")
    assert refused(WrongFormat, identifiers.make_drn, "07", "123\u06645678")


def test_key_blocks():
    assert identifiers.pan_block(PAN, 2).hex() == "0072700000000000"
    assert identifiers.pan_block("000041808710389039", 2).hex() == "0004180871038903"
    assert identifiers.pan_block("000041808710389039", 3).hex() == "0000000000000000"
    assert identifiers.pan_block("600727803428524900", 3).hex() == "0072700000000000"
    assert identifiers.control_block(2, "123456", 99, 1).hex() == "2123456991ffffff"
    assert refused(OutOfRange, identifiers.control_block, 4, "123456", 1, 1)
    assert refused(OutOfRange, identifiers.control_block, 2, "123456", 100, 1)
    assert refused(OutOfRange, identifiers.control_block, 2, "123456", 1, 0)
    assert refused(WrongFormat, identifiers.control_block, 2, "12345", 1, 1)


def test_the_message_of_dkga04_is_49_bytes():
    message = identifiers.dkga04_message(PAN, "201457", 2, 1, 1, 2014, 11)
    assert len(message) == 49
    assert message[-4:].hex() == "00000080"
    assert refused(OutOfRange, identifiers.dkga04_message, PAN, "201457", 2, 1, 1, 2000, 7)
    assert refused(UnknownFunction, identifiers.dkga04_message, PAN, "201457", 2, 1, 1, 2014, 9)


def test_the_reserved_minute_moves_on():
    assert tids.from_calendar(2026, 7, 29, 0, 0, 2014) == 6612480
    assert tids.from_calendar(2026, 7, 29, 0, 1, 2014) == 6612482
    assert tids.from_calendar(2026, 7, 29, 0, 2, 2014) == 6612482
    assert tids.following(6612480) == 6612482
    assert tids.following(6612482) == 6612483
    assert not tids.is_reserved(0)
    assert tids.from_utc(tids.base_seconds(2035) + 119, 2035) == 2


def test_every_base_date_ends_at_its_last_minute():
    for base_date, year in ((1993, 2024), (2014, 2045), (2035, 2066)):
        assert tids.from_calendar(year, 11, 24, 20, 15, base_date) == tids.MAXIMUM
        assert refused(OutOfRange, tids.from_calendar, year, 11, 24, 20, 16, base_date)
        assert tids.from_calendar(base_date, 1, 1, 0, 0, base_date) == 0
        assert refused(OutOfRange, tids.from_calendar, base_date - 1, 12, 31, 23, 59, base_date)
        assert tids.to_utc(tids.MAXIMUM, base_date) == tids.utc_seconds(year, 11, 24, 20, 15)
    assert refused(OutOfRange, tids.following, tids.MAXIMUM)
    assert refused(OutOfRange, tids.from_utc, 1700000000, 2015)


def test_impossible_dates_are_refused():
    for year, month, day in ((2015, 2, 29), (2100, 2, 29), (2015, 4, 31), (2015, 13, 1)):
        assert refused(WrongFormat, tids.from_calendar, year, month, day, 0, 0, 2014)
    for month, day, hour, minute in ((0, 1, 0, 0), (1, 0, 0, 0), (1, 1, 24, 0), (1, 1, 0, 60)):
        assert refused(WrongFormat, tids.from_calendar, 2015, month, day, hour, minute, 2014)
    assert tids.from_calendar(2016, 2, 29, 0, 0, 2014) == 1136160


def test_key_expiry_counts_in_units_of_65536_minutes():
    assert not tids.is_expired(0xAAFFFF, 170)
    assert tids.is_expired(0xAB0000, 170)
    assert not tids.is_expired(tids.MAXIMUM, 255)
    cipher = make_cipher(7, KEY)
    assert refused(KeyExpired, generation.credit, cipher, units=1, tid=0xAB0000, rnd=0, ken=170)


def test_amounts_are_rounded_up_and_bounded():
    assert [amount.decode(amount.encode(units)) for units in (0, 16383, 16384, 16385)] == [
        0,
        16383,
        16384,
        16394,
    ]
    assert amount.encode(180215) == 0x8000
    assert amount.encode(amount.MAXIMUM_UNITS) == 0xFFFF
    assert refused(OutOfRange, amount.encode, amount.MAXIMUM_UNITS + 1)
    assert refused(OutOfRange, amount.encode, -1)


def test_currency_rounds_toward_plus_infinity():
    assert amount.decode_currency(*amount.encode_currency(100000)) == 100004
    assert amount.decode_currency(*amount.encode_currency(-100000)) == -99994
    assert amount.encode_currency(0) == (0, 0)
    largest = amount.decode_currency(7, 0xFFFF)
    assert amount.encode_currency(largest) == (7, 0xFFFF)
    assert amount.encode_currency(-largest) == (15, 0xFFFF)
    assert refused(OutOfRange, amount.encode_currency, largest + 1)


def test_digits_are_checked_before_anything_is_computed():
    for digits in (
        "",
        "1" * 19,
        "1" * 21,
        "1234567890123456789x",
        " 1234567890123456789",
        "+1234567890123456789",
        "1_345678901234567890",
        "\u0661" * 20,
        "73786976294838206464",
        "99999999999999999999",
    ):
        assert refused(WrongFormat, transport.from_digits, digits), digits
    assert transport.from_digits("73786976294838206463") == (3, b"\xff" * 8)
    assert transport.from_digits("0" * 20) == (0, bytes(8))
    assert transport.grouped("70630503470028726114") == "7063 0503 4700 2872 6114"


def test_the_class_bits_change_places():
    for token_class in range(4):
        for byte in (0x00, 0x08, 0x10, 0x18, 0xFF):
            block = bytes((1, 2, 3, 4, byte, 6, 7, 8))
            digits = transport.to_digits(token_class, block)
            assert len(digits) == 20
            assert transport.from_digits(digits) == (token_class, block)


def test_both_checksums():
    assert crc.checksum(0, bytes.fromhex("0b19eb230100")) == 0xC207
    assert crc.checksum(0, bytes.fromhex("9f03d487100f"), True) == 0xF262
    assert crc.matches(0, bytes.fromhex("4052b13960aac385"))
    assert not crc.matches(2, bytes.fromhex("4052b13960aac385"))


def test_permutations_and_boxes_undo_each_other():
    (zero, one), permutation = sta.decryption()
    assert zero == bytes((12, 6, 2, 7, 13, 9, 5, 4, 1, 10, 14, 8, 0, 3, 15, 11))
    assert one == bytes((9, 11, 6, 5, 12, 7, 14, 2, 13, 3, 1, 15, 4, 8, 0, 10))
    assert permutation[:8] == bytes((55, 54, 8, 25, 27, 47, 16, 26))
    for place in range(64):
        assert permutation[sta.P[place]] == place


def test_the_small_build_of_sta():
    cipher = sta.NarrowSta(bytes.fromhex("1789cfe3b1a20a98"))
    clear = bytes.fromhex("fb65f673a7bd9da6")
    assert cipher.encrypt(clear).hex() == "4328ba7b77e2a756"
    assert cipher.decrypt(cipher.encrypt(clear)) == clear


def test_keys_and_algorithms_are_checked():
    assert refused(WrongFormat, make_cipher, 7, KEY_128)
    assert refused(WrongFormat, make_cipher, 11, KEY)
    assert refused(UnknownFunction, make_cipher, 9, KEY)


def test_generation_refuses_what_no_token_can_carry():
    cipher = make_cipher(7, KEY)
    good = {"tid": 5, "rnd": 0}
    assert refused(UnknownFunction, generation.credit, cipher, subclass=4, units=1, **good)
    assert refused(OutOfRange, generation.credit, cipher, units=18201625, **good)
    assert refused(OutOfRange, generation.credit, cipher, units=1, tid=-1, rnd=0)
    assert refused(OutOfRange, generation.credit, cipher, units=1, tid=5, rnd=16)
    currency = generation.currency_credit
    assert refused(UnknownFunction, currency, cipher, subclass=0, amount_e5=1, tid=5)
    management = generation.management
    assert refused(UnknownFunction, management, cipher, subclass=3, **good)
    assert refused(UnknownFunction, management, cipher, subclass=16, **good)
    assert refused(OutOfRange, management, cipher, subclass=1, value=8, **good)
    assert refused(OutOfRange, management, cipher, subclass=5, value=1, **good)
    assert refused(OutOfRange, management, cipher, subclass=2, value=65536, **good)
    assert refused(WrongFormat, generation.meter_test, control=1, mfr_code="0000")
    assert refused(OutOfRange, generation.meter_test, subclass=1, control=1 << 28, mfr_code="0000")


def test_generation_refuses_impossible_key_changes():
    cipher = make_cipher(7, KEY)
    good = {"ea": 7, "new_key": KEY, "kt": 2, "krn": 1, "ti": 1, "ken": 255, "sgc": "201457"}
    for error, changed in (
        (OutOfRange, {"tokens": 4}),
        (WrongFormat, {"new_key": KEY_128}),
        (OutOfRange, {"krn": 10}),
        (OutOfRange, {"ti": 100}),
        (OutOfRange, {"ken": 256}),
        (WrongFormat, {"sgc": "1234567"}),
        (UnknownFunction, {"ea": 9}),
        (KeyTypeRefused, {"kt": 0, "old_kt": 2}),
        (KeyExpired, {"ken": 170, "tid": 0xAB0000}),
    ):
        arguments = dict(good)
        arguments.update(changed)
        assert refused(error, generation.key_change_set, cipher, **arguments), changed
    assert len(generation.key_change_set(cipher, **good)) == 3


def test_result_names():
    assert result.name(result.ACCEPT) == "Accept"
    assert result.name(result.LOCKOUT_ERROR) == "LockoutError"
    assert result.name(result.FOURTH_SECTION) == "4thKCT"
    assert result.name(0) == result.name(99) == "Unknown"
    assert len(set(result.NAMES)) == len(result.NAMES) == 19


def test_a_token_knows_what_it_is():
    assert fields.Token(0, bytes.fromhex("4052b13960aac385")).is_currency
    assert not fields.Token(2, bytes.fromhex("4052b13960aac385")).is_currency
    assert fields.Token(2, bytes.fromhex("8000000000000000")).is_key_section
    assert not fields.Token(2, bytes.fromhex("b000000000000000")).is_defined
    assert not fields.Token(0, bytes.fromhex("8000000000000000")).is_defined
