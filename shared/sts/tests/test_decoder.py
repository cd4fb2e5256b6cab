"""What a meter does with tokens, in order; plain functions that also run inside MicroPython."""

from shared.sts import decoder, generation, result
from shared.sts.cipher import make_cipher
from shared.sts.errors import WrongFormat

KEY = bytes.fromhex("87f3ecbb2e46b48f")
NEW_KEY = bytes.fromhex("7f78cdd220be39b8")
KEY_128 = bytes.fromhex("929bd3a415c9420a05ec5ee9f3ce91c3")
NEW_KEY_128 = bytes.fromhex("2b199270f177af96156c51b02964a878")
ATTRIBUTES = "ea decoder_key sgc kt krn ti ken mfr_code base_date tct " + (
    "token_identifiers sections sections_at"
)
KEYS = {7: (KEY, NEW_KEY), 11: (KEY_128, NEW_KEY_128)}


def meter(**named):
    """Return the state of a meter that left the factory at minute 1000."""
    arguments = {"ea": 7, "decoder_key": KEY, "sgc": 201457}
    arguments.update(named)
    state = decoder.DecoderState(**arguments)
    state.fill_token_identifiers(1000)
    return state


def enter(state, digits, now_s=None):
    """Validate and, if accepted, commit; return the last code."""
    code, token = decoder.validate(state, digits)
    if code == result.ACCEPT:
        code = decoder.commit(state, token, now_s)
    return code


def credit(tid, **named):
    """Return a credit token of 10 kWh for the meter above."""
    arguments = {"units": 100, "tid": tid, "rnd": 1}
    arguments.update(named)
    return generation.credit(make_cipher(7, KEY), **arguments)


def key_change(ea=7, **named):
    """Return a key change set for a meter."""
    old, new = KEYS[ea]
    arguments = {"ea": ea, "new_key": new, "kt": 2, "krn": 3, "ti": 7, "ken": 254, "sgc": 123456}
    arguments.update(named)
    return generation.key_change_set(make_cipher(ea, old), **arguments)


def permutations(items):
    """Yield every order of a list."""
    if not items:
        yield []
    for place in range(len(items)):
        for rest in permutations(items[:place] + items[place + 1 :]):
            yield [items[place]] + rest


def test_a_token_is_used_once_and_an_old_one_never():
    state = meter()
    assert enter(state, credit(2000)) == result.ACCEPT
    assert enter(state, credit(2000)) == result.USED_ERROR
    assert enter(state, credit(2000, units=5)) == result.USED_ERROR
    assert enter(state, credit(1500)) == result.ACCEPT
    assert enter(state, credit(1000)) == result.USED_ERROR
    assert enter(state, credit(999)) == result.OLD_ERROR
    assert state.token_identifiers == [1000] * 48 + [1500, 2000]


def test_validation_changes_nothing():
    state = meter()
    before = decoder.pack(state)
    for _ in range(2):
        code, token = decoder.validate(state, credit(2000))
        assert (code, token.units, token.tid) == (result.ACCEPT, 100, 2000)
    decoder.validate(state, key_change()[0])
    assert decoder.pack(state) == before


def test_the_store_keeps_the_fifty_latest():
    state = meter()
    for tid in range(3000, 3060):
        assert enter(state, credit(tid)) == result.ACCEPT
    assert state.token_identifiers == list(range(3010, 3060))
    assert enter(state, credit(3009)) == result.OLD_ERROR
    assert enter(state, credit(3010)) == result.USED_ERROR


def test_key_expiry_and_default_keys():
    state = meter(ken=0)
    assert enter(state, credit(65535)) == result.ACCEPT
    assert enter(state, credit(65536)) == result.KEY_EXPIRED_ERROR
    state = meter(kt=1)
    cipher = make_cipher(7, KEY)
    assert enter(state, credit(2000)) == result.DDTK_ERROR
    clear_tamper = generation.management(cipher, subclass=5, tid=2000, rnd=0)
    assert enter(state, clear_tamper) == result.ACCEPT


def test_reserved_subclasses_have_no_function_and_consume_nothing():
    state = meter()
    before = decoder.pack(state)
    proprietary = generation.management(make_cipher(7, KEY), subclass=11, tid=2000, rnd=0)
    assert enter(state, proprietary) == result.FUNCTION_ERROR
    assert enter(state, generation.meter_test(subclass=3, control=1, mfr_code="00")) == (
        result.FUNCTION_ERROR
    )
    assert decoder.pack(state) == before


def test_class_1_asks_for_the_manufacturer():
    two = meter(mfr_code="07")
    four = meter(mfr_code="0007")
    for state, subclass, mfr_code, expected in (
        (two, 0, "07", result.ACCEPT),
        (two, 0, "00", result.ACCEPT),
        (two, 0, "08", result.MFR_CODE_ERROR),
        (two, 1, "0000", result.ACCEPT),
        (two, 1, "0007", result.MFR_CODE_ERROR),
        (four, 1, "0007", result.ACCEPT),
        (four, 0, "07", result.MFR_CODE_ERROR),
        (four, 2, "00", result.ACCEPT),
    ):
        digits = generation.meter_test(subclass=subclass, control=5, mfr_code=mfr_code)
        assert decoder.validate(state, digits)[0] == expected, (subclass, mfr_code)
        assert decoder.validate(state, digits)[1].control == 5


def test_malformed_digits():
    for digits in ("", "1" * 19, "\u0663" * 20, "99999999999999999999"):
        assert decoder.validate(meter(), digits) == (result.FORMAT_ERROR, None)


def test_key_change_sets_work_in_every_order():
    for ea, count in ((7, 2), (7, 3), (11, 4)):
        old, new = KEYS[ea]
        made = key_change(ea, tokens=count)
        for order in permutations(list(range(count))):
            state = meter(ea=ea, decoder_key=old)
            codes = [enter(state, made[place], 100) for place in order]
            names = [result.name(code) for code in codes]
            sections = ["1stKCT", "2ndKCT", "3rdKCT", "4thKCT"]
            assert names[-1] == "Accept", (order, names)
            assert names[:-1] == [sections[place] for place in order[:-1]], (order, names)
            assert state.decoder_key == new
            assert (state.kt, state.krn, state.ti, state.ken) == (2, 3, 7, 254)
            assert state.sgc == (0 if count == 2 else 123456)
            assert state.sections == {}
            assert state.token_identifiers == [1000] * 50
            assert enter(state, made[0], 100) == result.CRC_ERROR


def test_a_repeated_section_replaces_the_earlier():
    state = meter()
    wrong = key_change(krn=9)
    made = key_change()
    assert enter(state, wrong[0], 0) == result.FIRST_SECTION
    assert enter(state, made[0], 1) == result.FIRST_SECTION
    assert enter(state, made[2], 2) == result.THIRD_SECTION
    assert enter(state, made[2], 2) == result.THIRD_SECTION
    assert enter(state, made[1], 3) == result.ACCEPT
    assert state.krn == 3


def test_an_unfinished_key_change_expires():
    made = key_change(tokens=2)
    for first_s, second_s, expected in (
        (100, 700, result.ACCEPT),
        (100, 701, result.SECOND_SECTION),
        (100, 99, result.SECOND_SECTION),
        (None, 10**9, result.SECOND_SECTION),
        (100, None, result.SECOND_SECTION),
        (None, None, result.ACCEPT),
    ):
        state = meter()
        enter(state, made[0], first_s)
        assert enter(state, made[1], second_s) == expected, (first_s, second_s)


def test_key_types_follow_the_rules():
    for old, new, tct, permitted in (
        (2, 2, 2, True),
        (2, 1, 2, True),
        (2, 0, 2, False),
        (2, 3, 1, False),
        (0, 2, 2, True),
        (0, 3, 1, True),
        (0, 3, 2, False),
        (1, 2, 2, True),
        (1, 0, 2, False),
        (3, 3, 1, True),
        (3, 2, 1, False),
    ):
        state = meter(kt=old, tct=tct)
        made = key_change(kt=new, tokens=2)
        enter(state, made[0])
        code = enter(state, made[1])
        assert code == (result.ACCEPT if permitted else result.KEY_TYPE_ERROR), (old, new, tct)
        assert state.decoder_key == (NEW_KEY if permitted else KEY)
        assert state.kt == (new if permitted else old)
        assert state.sections == {}


def test_roll_over_forgets_the_used_identifiers():
    state = meter()
    for digits in key_change(rollover=True):
        enter(state, digits)
    assert state.base_date == 2035
    assert state.token_identifiers == [0] * 50
    new = make_cipher(7, NEW_KEY)
    assert enter(state, generation.credit(new, units=1, tid=480, rnd=0)) == result.ACCEPT


def test_credit_between_two_sections_still_counts():
    state = meter()
    made = key_change(tokens=2)
    assert enter(state, made[0]) == result.FIRST_SECTION
    assert enter(state, credit(2000)) == result.ACCEPT
    assert enter(state, made[1]) == result.ACCEPT
    assert state.token_identifiers[-1] == 2000


def test_a_fourth_section_is_no_function_of_ea07():
    made = key_change(11)
    state = meter(ea=11, decoder_key=KEY_128)
    assert enter(state, made[3]) == result.FOURTH_SECTION
    block = generation.key_change_blocks(
        ea=11, new_key=NEW_KEY_128, kt=2, krn=3, ti=7, ken=254, sgc=123456
    )[3]
    digits = generation.seal(make_cipher(7, KEY), 2, block)
    assert enter(meter(), digits) == result.FUNCTION_ERROR


def test_a_packed_state_comes_back_whole():
    for ea in (7, 11):
        state = meter(ea=ea, decoder_key=KEYS[ea][0], mfr_code="0042", tct=1, base_date=1993)
        for digits in key_change(ea)[1:]:
            enter(state, digits, 4000000000)
        state.token_identifiers = list(range(0xFFFFFF - 49, 0x1000000))
        packed = decoder.pack(state)
        assert len(packed) == decoder.PACKED_SIZE
        again = decoder.unpack(packed)
        for name in ATTRIBUTES.split():
            assert getattr(again, name) == getattr(state, name), name
        assert decoder.pack(again) == packed


def test_a_foreign_packed_state_is_refused():
    for packed in (b"", bytes(decoder.PACKED_SIZE), b"\x01" * (decoder.PACKED_SIZE - 1)):
        try:
            decoder.unpack(packed)
        except WrongFormat:
            continue
        raise AssertionError(packed[:4])
