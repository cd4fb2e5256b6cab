"""How many mistyped tokens get through: no more than a checksum of 16 bits must let through."""

import math
import random
from collections.abc import Callable, Iterator

import pytest

from shared.sts import decoder, generation, result
from shared.sts.cipher import make_cipher

TOKENS = 4000
CHANCE = 1 / 65536


def mistyped(digits: str) -> Iterator[str]:
    """Yield a token with each digit changed to each other, and each two neighbours swapped."""
    for place in range(20):
        for other in "0123456789":
            if other != digits[place]:
                yield digits[:place] + other + digits[place + 1 :]
    for place in range(19):
        one, two = digits[place], digits[place + 1]
        if one != two:
            yield digits[:place] + two + one + digits[place + 2 :]


def credit(source: random.Random, state: decoder.DecoderState) -> str:
    """Return a random credit token for a meter."""
    return generation.credit(
        make_cipher(state.ea, state.decoder_key),
        units=source.randrange(20000),
        tid=source.randrange(1, 1 << 24),
        rnd=source.randrange(16),
    )


def meter_test(source: random.Random, _state: decoder.DecoderState) -> str:
    """Return a random class 1 token, which is not encrypted."""
    return generation.meter_test(control=source.getrandbits(36), mfr_code="00")


@pytest.mark.parametrize(
    ("ea", "key_length", "make"), [(7, 8, credit), (11, 16, credit), (7, 8, meter_test)]
)
def test_a_changed_or_swapped_digit_is_refused(
    ea: int, key_length: int, make: Callable[[random.Random, decoder.DecoderState], str]
) -> None:
    # A fixed seed: this measures the algorithm once and for all, and cannot fail by chance.
    source = random.Random(f"mistyped tokens, EA{ea:02d}, {make.__name__}")
    tried = through = 0
    for _ in range(TOKENS):
        state = decoder.DecoderState(ea=ea, decoder_key=source.randbytes(key_length))
        digits = make(source, state)
        assert decoder.validate(state, digits)[0] == result.ACCEPT
        for wrong in mistyped(digits):
            tried += 1
            code, token = decoder.validate(state, wrong)
            # Refused for its checksum, its size or its class: a Token means it got further.
            through += token is not None
            assert token is not None or code in (
                result.CRC_ERROR,
                result.FORMAT_ERROR,
                result.FUNCTION_ERROR,
            )
    expected = tried * CHANCE
    # Three standard deviations above blind chance; a checksum of 15 bits would not stay below.
    limit = expected + 3 * math.sqrt(expected)
    assert through <= limit < 2 * expected, (through, tried)
    print(f"EA{ea:02d} {make.__name__}: {through} of {tried} through; chance {expected:.1f}")
    assert tried > 190 * TOKENS
