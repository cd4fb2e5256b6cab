"""Facts about the wire formats that hold on CPython and inside MicroPython alike."""

import binascii

from shared.wire import cobs, codes, commands, frames, jws, keypad_messages, keys, strict_json
from shared.wire.topics import down, is_digits, stored, up

DRN = "04123456789"
KEY = bytes(range(32))


def raises(error, function, *arguments):
    """Return the error that a call raises; fail if it raises none."""
    try:
        function(*arguments)
    except error as raised:
        return raised
    raise AssertionError("nothing raised")


def test_hmac_of_rfc_4231_cases_2_and_6():
    assert binascii.hexlify(keys.hmac_sha256(b"Jefe", b"what do ya want for nothing?")) == (
        b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    long_key = b"\xaa" * 131
    text = b"Test Using Larger Than Block-Size Key - Hash Key First"
    assert binascii.hexlify(keys.hmac_sha256(long_key, text)) == (
        b"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    )


def test_hkdf_of_rfc_5869_cases_1_and_3():
    secret = b"\x0b" * 22
    info = bytes(range(0xF0, 0xFA))
    assert binascii.hexlify(keys.hkdf(secret, bytes(range(13)), info, 42)) == (
        b"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    assert binascii.hexlify(keys.hkdf(secret, b"", b"", 42)) == (
        b"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_link_keys_differ_by_direction_generation_and_meter():
    found = set()
    for root in (KEY, bytes(32)):
        for generation in (0, 1, 256):
            found.update(keys.derive_link_keys(root, generation))
    assert len(found) == 18


def test_equal():
    assert keys.equal(b"abc", b"abc")
    assert not keys.equal(b"abc", b"abd")
    assert not keys.equal(b"abc", b"ab")


def test_signed_message_comes_back():
    claims = {"n": 7, "list": [1, -2, None, True], "text": 'a "quoted" \\ é', "empty": {}}
    message = jws.sign(claims, KEY, "up0")
    assert jws.verify(message, KEY, "up0") == claims
    assert message.count(b".") == 2
    assert b"=" not in message


def test_altered_message_is_refused_at_every_byte():
    message = jws.sign({"n": 7}, KEY, "up0")
    for place in range(len(message)):
        altered = bytearray(message)
        altered[place] ^= 1
        raises(jws.NotAuthentic, jws.verify, altered, KEY, "up0")


def test_wrong_key_key_id_and_form_are_refused():
    message = jws.sign({"n": 7}, KEY, "up0")
    raises(jws.BadSignature, jws.verify, message, bytes(32), "up0")
    raises(jws.WrongKeyID, jws.verify, message, KEY, "up1")
    for bad in (b"", b"..", b"a.b", message + b".x", message + b"=", b"." + message, b"x" * 9000):
        raises(jws.NotAuthentic, jws.verify, bad, KEY, "up0")


def forged(header, claims):
    """Return a message with a right MAC over any header and claims."""

    def encode(data):
        text = binascii.b2a_base64(data)[:-1].replace(b"+", b"-").replace(b"/", b"_")
        return text.rstrip(b"=")

    message = encode(header) + b"." + encode(claims)
    return message + b"." + encode(keys.hmac_sha256(KEY, message))


def test_other_algorithms_are_refused_even_with_a_right_mac():
    for name in (b"none", b"HS512", b"RS256", b"hs256"):
        message = forged(b'{"alg":"' + name + b'","kid":"up0"}', b'{"n":7}')
        raises(jws.WrongAlgorithm, jws.verify, message, KEY, "up0")
    raises(jws.WrongAlgorithm, jws.verify, forged(b'{"kid":"up0"}', b"{}"), KEY, "up0")
    critical = b'{"alg":"HS256","kid":"up0","crit":["b64"],"b64":false}'
    raises(jws.WrongAlgorithm, jws.verify, forged(critical, b"{}"), KEY, "up0")


def test_unsigned_message_is_refused():
    message = jws.sign({"n": 7}, KEY, "up0")
    without = message[: message.rfind(b".") + 1]
    raises(jws.BadSignature, jws.verify, without, KEY, "up0")


def test_sloppy_json_is_refused_though_signed():
    header = b'{"alg":"HS256","kid":"up0"}'
    assert jws.verify(forged(header, b'{"n":7}'), KEY, "up0") == {"n": 7}
    sloppy = (
        b'{"n":7,"n":8}',
        b'{"n":{"a":1,"a":1}}',
        b'{"n" 7}',
        b'{"n":7 "m":8}',
        b'{"n":7,}',
        b'{,"n":7}',
        b'{"n":"\xd9\xa1"}',
        b'{"n":\xd9\xa1}',
        b'{"n":07}',
        b'{"n":-}',
        b'{"n":7.5}',
        b'{"n":1e3}',
        b'{"n":NaN}',
        b'{"n":7}x',
        b'{"n":7',
        b'{"n":"7}',
        b'{"n":"\\x41"}',
        b'{"n":"\\u00g1"}',
        b'{"n":"a\nb"}',
        b"{'n':7}",
        b"[7]",
        b"7",
        b"",
        b'{"n":[[[[[[[1]]]]]]]}',
        b'{"n":1234567890123456789}',
    )
    for text in sloppy:
        error = raises(jws.BadForm, jws.verify, forged(header, text), KEY, "up0")
        assert str(error)


def test_json_is_ascii_and_keeps_other_letters():
    text = strict_json.dumps({"text": "Über 5 €"})
    assert max([ord(each) for each in text]) < 128
    assert strict_json.loads(text) == {"text": "Über 5 €"}


def test_digits_are_those_of_ascii():
    assert is_digits("0123456789")
    for text in ("", "12a", " 12", "١٢٣", "１２", "²"):
        assert not is_digits(text)


def command(cmd, args, **more):
    """Return claims of a command for DRN."""
    claims = commands.envelope("command", DRN)
    claims.update({"n": 1, "iat": 1800000000, "cmd": cmd, "args": args})
    claims.update(more)
    return claims


def test_commands_of_every_name_pass():
    for cmd, args in (
        ("token", {"digits": "12345678901234567890"}),
        ("payment_mode", {"mode": "postpayment"}),
        ("payment_mode", {"mode": "prepayment", "from": 1800000000}),
        ("load_switch", {"action": "disconnect"}),
        ("configure", {"low_credit_wh": 3000, "language": "en"}),
        ("read", {"what": "registers", "page": 0}),
        ("set_clock", {"utc": 1800000000}),
        ("close_account", {}),
        ("adjust_credit", {"amount_wh": -1_000_000_000}),
        ("clear_tamper", {}),
        ("reset_trip", {}),
        ("message", {"text": "No supply Sunday 8:00 to 12:00", "until": 1800000000}),
        ("message", {"text": "", "until": 1800000000}),
        ("ping", {}),
    ):
        commands.check_command(command(cmd, args), DRN)


def test_bad_commands_name_their_status():
    good = {"digits": "12345678901234567890"}
    for claims, status in (
        (command("token", good, sub="04123456780"), codes.NOT_AUTHENTIC),
        (command("token", good, kind="stored"), codes.NOT_AUTHENTIC),
        (command("token", good, v=2), codes.UNKNOWN_COMMAND),
        (command("format_flash", {}), codes.UNKNOWN_COMMAND),
        (command("token", good, n=0), codes.BAD_ARGUMENTS),
        (command("token", good, n=1 << 30), codes.BAD_ARGUMENTS),
        (command("token", good, n=True), codes.BAD_ARGUMENTS),
        (command("token", good, exp=1900000000), codes.BAD_ARGUMENTS),
        (command("token", {"digits": "1234567890123456789"}), codes.BAD_ARGUMENTS),
        (command("token", {"digits": "１" * 20}), codes.BAD_ARGUMENTS),
        (command("token", {"digits": 12345678901234567890}), codes.BAD_ARGUMENTS),
        (command("token", {"digits": good["digits"], "more": 1}), codes.BAD_ARGUMENTS),
        (command("token", None), codes.BAD_ARGUMENTS),
        (command("ping", {}, exp="soon"), codes.BAD_ARGUMENTS),
        (command("ping", {}, boot=5), codes.BAD_ARGUMENTS),
        (command("payment_mode", {"mode": "free"}), codes.BAD_ARGUMENTS),
        (command("configure", {}), codes.BAD_ARGUMENTS),
        (command("close_account", {"amount_wh": 1}), codes.BAD_ARGUMENTS),
        (command("adjust_credit", {}), codes.BAD_ARGUMENTS),
        (command("message", {"text": "No date"}), codes.BAD_ARGUMENTS),
        (command("message", {"text": 33 * "x", "until": 1800000000}), codes.BAD_ARGUMENTS),
        (command("message", {"text": "na\u00efve", "until": 1800000000}), codes.BAD_ARGUMENTS),
        (command("message", {"text": "a\nb", "until": 1800000000}), codes.BAD_ARGUMENTS),
        (command("message", {"text": 5, "until": 1800000000}), codes.BAD_ARGUMENTS),
        (command("adjust_credit", {"amount_wh": 1_000_000_001}), codes.BAD_ARGUMENTS),
        (command("adjust_credit", {"amount_wh": True}), codes.BAD_ARGUMENTS),
        (command("configure", {"reading_interval_s": 1}), codes.BAD_ARGUMENTS),
    ):
        error = raises(commands.BadMessage, commands.check_command, claims, DRN)
        assert error.status == status, (claims, error.status)


def test_watermark():
    claims = commands.envelope("stored", DRN)
    claims.update({"boot": 3, "seq": 41})
    assert commands.check_stored(claims, DRN) == (3, 41)
    raises(commands.BadMessage, commands.check_stored, claims, "04123456780")
    claims["seq"] = -1
    raises(commands.BadMessage, commands.check_stored, claims, DRN)


def test_topics():
    assert down(DRN) == "prepay/v1/04123456789/down"
    assert stored(DRN, "x") == "x/04123456789/stored"
    assert up(DRN, "state", "a/b") == "a/b/04123456789/up/state"


def test_cobs_of_the_paper():
    for plain, stuffed in (
        (b"", b"\x01"),
        (b"\0", b"\x01\x01"),
        (b"\0\0", b"\x01\x01\x01"),
        (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
    ):
        assert cobs.encode(plain) == stuffed
        assert cobs.decode(stuffed) == plain
    for bad in (b"", b"\0", b"\x05\x11", b"\x03\x11\0"):
        raises(cobs.BadCOBS, cobs.decode, bad)


def test_frames_of_every_type_come_back():
    for frame_type in frames.TYPES:
        for payload in (b"", b"\0" * 48, bytes(range(48))):
            frame = frames.encode(frames.KEYPAD, frames.METER, 255, frame_type, payload)
            assert frame[-1] == 0
            assert 0 not in frame[:-1]
            back = frames.decode(frame[:-1])
            assert back == (frames.KEYPAD, frames.METER, 255, frame_type, payload)
    raises(frames.BadFrame, frames.encode, 1, 2, 0, frames.POLL, bytes(49))
    raises(frames.BadFrame, frames.encode, 1, 2, 0, 77, b"")


def test_altered_frame_is_refused_at_every_bit():
    frame = frames.encode(frames.METER, frames.KEYPAD, 3, frames.KEYS, b"hello")[:-1]
    for place in range(len(frame)):
        for bit in range(8):
            altered = bytearray(frame)
            altered[place] ^= 1 << bit
            raises(frames.BadFrame, frames.decode, bytes(altered))


def test_reader_finds_frames_between_garbage_and_in_pieces():
    reader = frames.FrameReader()
    frame = frames.encode(frames.KEYPAD, frames.METER, 3, frames.POLL, b"abcdef")
    wanted = [(frames.KEYPAD, frames.METER, 3, frames.POLL, b"abcdef")]
    assert reader.feed(b"\x01garbage\0" + frame) == wanted
    assert reader.damaged == 1
    assert reader.feed(frame[:4]) == []
    assert reader.feed(frame[4:]) == wanted
    assert reader.feed(b"\xff" * 500 + b"\0\0\0" + frame * 2) == wanted * 2
    assert reader.damaged == 2


def test_keypad_payloads_come_back():
    poll = keypad_messages.pack_poll(b"boot", 65535)
    assert keypad_messages.unpack_poll(poll) == (b"boot", 65535)
    pressed = keypad_messages.pack_keys(b"boot", 7, b"12*#")
    assert keypad_messages.unpack_keys(pressed) == (b"boot", 7, b"12*#")
    show = keypad_messages.pack_show(("Credit", "0123456789abcdefgh"), 20, 9, 2, 255)
    assert len(show) <= frames.LONGEST_PAYLOAD
    assert keypad_messages.unpack_show(show) == (
        ("Credit          ", "0123456789abcdef"),
        20,
        9,
        2,
        255,
    )
    assert keypad_messages.unpack_show(keypad_messages.pack_show(("é", ""), None, 0, 0, 0))[0] == (
        "?" + " " * 15,
        " " * 16,
    )
    info = keypad_messages.pack_info(b"unit0001", DRN, "0.1.0", True)
    assert keypad_messages.unpack_info(info) == (b"unit0001", DRN, "0.1.0", True)


def test_bad_keypad_payloads_are_refused():
    raises(frames.BadFrame, keypad_messages.pack_keys, b"boot", 0, b"1" * 17)
    raises(frames.BadFrame, keypad_messages.unpack_keys, b"boot\0\0a")
    raises(frames.BadFrame, keypad_messages.unpack_keys, b"boot")
    raises(frames.BadFrame, keypad_messages.unpack_poll, b"bootxxxx")
    raises(frames.BadFrame, keypad_messages.unpack_show, b"\xff" * 36)
    raises(frames.BadFrame, keypad_messages.pack_info, bytes(8), "1" * 14, "", False)


def test_open_reasons():
    assert codes.open_reason_names(0) == []
    assert codes.open_reason_names(codes.OPEN_NO_CREDIT | codes.OPEN_FAULT) == [
        "no_credit",
        "fault",
    ]
    assert codes.is_fraud_event(codes.EVENT_COMMAND_FORGED)
    assert not codes.is_fraud_event(codes.EVENT_STORAGE_FAULT)
