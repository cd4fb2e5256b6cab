"""What must hold for every field value: round trips, order of amounts, both builds of a cipher."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from shared.sts import amount, decoder, generation, identifiers, result, sta, sta_wide, transport
from shared.sts import token as fields
from shared.sts import token_identifier as tids
from shared.sts.cipher import make_cipher
from shared.sts.misty1 import Misty1

BLOCKS = st.binary(min_size=8, max_size=8)
KEYS = st.one_of(
    st.tuples(st.just(7), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(11), st.binary(min_size=16, max_size=16)),
)
IDENTIFIERS = st.integers(1, tids.MAXIMUM)
NIBBLES = st.integers(0, 15)
WORDS = st.integers(0, 0xFFFF)
UNITS = st.one_of(st.integers(0, 20000), st.integers(0, amount.MAXIMUM_UNITS))
# Up to the largest amount that 31 powers of ten can carry.
LARGEST = amount.decode_currency(7, 0xFFFF)
AMOUNTS_E5 = st.one_of(st.integers(-(10**7), 10**7), st.integers(-LARGEST, LARGEST))


def meter(ea: int, key: bytes, **named: object) -> decoder.DecoderState:
    """Return a meter that has used no token yet."""
    return decoder.DecoderState(ea=ea, decoder_key=key, **named)


def read(ea: int, key: bytes, digits: str) -> fields.Token:
    """Return the token that a meter with this key accepts."""
    code, token = decoder.validate(meter(ea, key), digits)
    assert code == result.ACCEPT
    assert token is not None
    return token


@given(BLOCKS, BLOCKS)
def test_both_builds_of_sta_are_one_algorithm(key: bytes, block: bytes) -> None:
    narrow, wide = sta.NarrowSta(key), sta_wide.WideSta(key)
    encrypted = wide.encrypt(block)
    assert narrow.encrypt(block) == encrypted
    assert narrow.decrypt(encrypted) == wide.decrypt(encrypted) == block


@given(st.binary(min_size=16, max_size=16), BLOCKS)
def test_misty1_undoes_itself(key: bytes, block: bytes) -> None:
    cipher = Misty1(key)
    assert cipher.decrypt(cipher.encrypt(block)) == block
    assert cipher.encrypt(cipher.decrypt(block)) == block


@given(st.integers(0, 3), BLOCKS)
def test_digits_carry_class_and_block(token_class: int, block: bytes) -> None:
    digits = transport.to_digits(token_class, block)
    assert len(digits) == 20
    assert transport.from_digits(digits) == (token_class, block)


@given(st.integers(0, 2**66 - 1))
def test_every_number_below_2_to_66_is_some_token(number: int) -> None:
    digits = f"{number:020d}"
    assert transport.to_digits(*transport.from_digits(digits)) == digits


@given(KEYS, st.integers(0, 3), UNITS, IDENTIFIERS, NIBBLES)
def test_credit(ea_key: tuple[int, bytes], subclass: int, units: int, tid: int, rnd: int) -> None:
    cipher = make_cipher(*ea_key)
    digits = generation.credit(cipher, subclass=subclass, units=units, tid=tid, rnd=rnd)
    token = read(*ea_key, digits)
    assert (token.token_class, token.subclass, token.tid, token.rnd) == (0, subclass, tid, rnd)
    assert token.units == amount.decode(amount.encode(units)) >= units


@given(KEYS, st.integers(4, 7), AMOUNTS_E5, IDENTIFIERS)
def test_currency(ea_key: tuple[int, bytes], subclass: int, amount_e5: int, tid: int) -> None:
    cipher = make_cipher(*ea_key)
    digits = generation.currency_credit(cipher, subclass=subclass, amount_e5=amount_e5, tid=tid)
    token = read(*ea_key, digits)
    assert (token.token_class, token.subclass, token.tid) == (0, subclass, tid)
    assert token.currency_amount >= amount_e5
    assert amount.encode_currency(token.currency_amount) == (token.rnd, token.value16)


@given(
    KEYS,
    st.one_of(
        st.tuples(st.sampled_from([0, 6]), UNITS),
        st.tuples(st.just(1), st.sampled_from(generation.REGISTERS)),
        st.tuples(st.just(5), st.just(0)),
        st.tuples(st.sampled_from([2, 7, 10]), WORDS),
    ),
    IDENTIFIERS,
    NIBBLES,
)
def test_management(
    ea_key: tuple[int, bytes], subclass_value: tuple[int, int], tid: int, rnd: int
) -> None:
    subclass, value = subclass_value
    cipher = make_cipher(*ea_key)
    digits = generation.management(cipher, subclass=subclass, value=value, tid=tid, rnd=rnd)
    token = read(*ea_key, digits)
    assert (token.token_class, token.subclass, token.tid, token.rnd) == (2, subclass, tid, rnd)
    assert token.value16 == (amount.encode(value) if subclass in (0, 6) else value)


@given(st.integers(0, 2), st.integers(0, 2**36 - 1), st.integers(0, 9999))
def test_meter_tests(subclass: int, control: int, manufacturer: int) -> None:
    digits, bits = (4, 28) if subclass == 1 else (2, 36)
    mfr_code = f"{manufacturer % 10**digits:0{digits}d}"
    control &= (1 << bits) - 1
    made = generation.meter_test(subclass=subclass, control=control, mfr_code=mfr_code)
    code, token = decoder.validate(meter(7, bytes(8), mfr_code=mfr_code), made)
    assert code == result.ACCEPT
    assert token is not None
    assert (token.subclass, token.control, token.mfr_code) == (subclass, control, int(mfr_code))


@given(
    st.one_of(
        st.tuples(st.just(7), st.sampled_from([2, 3]), BLOCKS, BLOCKS),
        st.tuples(
            st.just(11),
            st.just(4),
            st.binary(min_size=16, max_size=16),
            st.binary(min_size=16, max_size=16),
        ),
    ),
    st.integers(1, 9),
    st.integers(0, 99),
    st.integers(0, 255),
    st.integers(0, 999999),
    st.booleans(),
)
def test_key_changes_in_every_order(
    set_of_keys: tuple[int, int, bytes, bytes],
    krn: int,
    ti: int,
    ken: int,
    sgc: int,
    rollover: bool,
) -> None:
    ea, count, old, new = set_of_keys
    made = generation.key_change_set(
        make_cipher(ea, old),
        ea=ea,
        new_key=new,
        kt=2,
        krn=krn,
        ti=ti,
        ken=ken,
        sgc=sgc,
        rollover=rollover,
        tokens=count,
    )
    assert len(made) == count
    for order in permutations(made):
        state = meter(ea, old)
        state.fill_token_identifiers(1000)
        for place, digits in enumerate(order):
            code, token = decoder.validate(state, digits)
            assert code == result.ACCEPT
            code = decoder.commit(state, token)
            assert (code == result.ACCEPT) == (place == count - 1)
            state = decoder.unpack(decoder.pack(state))
        assert state.decoder_key == new
        assert (state.kt, state.krn, state.ti, state.ken) == (2, krn, ti, ken)
        assert state.sgc == (0 if count == 2 else sgc)
        assert state.token_identifiers == [0 if rollover else 1000] * 50


@given(UNITS, UNITS)
def test_amounts_keep_their_order(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert amount.encode(low) <= amount.encode(high)
    assert amount.decode(amount.encode(low)) <= amount.decode(amount.encode(high))


@given(WORDS)
def test_every_amount_code_comes_back(value16: int) -> None:
    assert amount.encode(amount.decode(value16)) == value16


@given(UNITS)
def test_amounts_are_rounded_up_by_less_than_a_step(units: int) -> None:
    value16 = amount.encode(units)
    assert 0 <= amount.decode(value16) - units < max(1, 10 ** (value16 >> 14))
    if value16:
        assert amount.decode(value16 - 1) < units


@given(AMOUNTS_E5, AMOUNTS_E5)
def test_currency_amounts_keep_their_order(one: int, other: int) -> None:
    low, high = sorted((one, other))
    decoded_low = amount.decode_currency(*amount.encode_currency(low))
    assert low <= decoded_low <= amount.decode_currency(*amount.encode_currency(high))


@given(st.lists(IDENTIFIERS, min_size=1, max_size=120))
def test_the_store_holds_the_largest_identifiers(entered: list[int]) -> None:
    key = bytes(8)
    cipher = make_cipher(7, key)
    state = meter(7, key)
    remembered: list[int] = [0] * decoder.STORE_SIZE
    for tid in entered:
        code, token = decoder.validate(state, generation.credit(cipher, units=1, tid=tid, rnd=0))
        if tid < remembered[0]:
            assert code == result.OLD_ERROR
        elif tid in remembered:
            assert code == result.USED_ERROR
        else:
            assert code == result.ACCEPT
            decoder.commit(state, token)
            remembered = sorted([*remembered, tid])[-decoder.STORE_SIZE :]
        assert state.token_identifiers == remembered


@given(st.integers(0, 2**24 * 60), st.sampled_from(sorted(tids.BASE_SECONDS)))
def test_identifiers_come_back_as_their_minute(seconds: int, base_date: int) -> None:
    issued = tids.base_seconds(base_date) + seconds % (tids.MAXIMUM * 60)
    tid = tids.from_utc(issued, base_date)
    assert not tids.is_reserved(tid)
    later = 60 if tids.is_reserved((issued - tids.base_seconds(base_date)) // 60) else 0
    assert tids.to_utc(tid, base_date) == issued // 60 * 60 + later


@given(st.text(alphabet="0123456789", min_size=1, max_size=17), st.data())
def test_check_digits_find_one_wrong_digit(digits: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from("0123456789".replace(digits[place], "")))
    changed = digits[:place] + other + digits[place + 1 :]
    assert identifiers.check_digit(changed) != identifiers.check_digit(digits)
