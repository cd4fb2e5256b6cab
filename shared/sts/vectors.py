"""Checks one test vector of the exchange format against this codec, on any interpreter.

Decoder keys are derived by the caller, since deriving them is not this package's work.
"""

from shared.sts import (
    amount,
    crc,
    decoder,
    generation,
    identifiers,
    result,
    token_identifier,
    transport,
)
from shared.sts import token as fields
from shared.sts.cipher import make_cipher


def differences(vector, keys):
    """Return (what differs, which fields of the vector were not looked at).

    Args:
        vector: dict with `kind`, `inputs` and `outputs`, or `meter` and `steps`.
        keys: dict of decoder keys as hex digits; for a token `key`, for a key change set `old`
            and `new`.

    Returns:
        tuple of two lists of str, both empty when everything agrees.
    """
    kind = vector.get("kind")
    if kind == "meter_case":
        return _meter_case(vector), []
    if kind not in _KINDS:
        return [f"kind {kind} is not known"], []
    computed = _KINDS[kind](vector["inputs"], keys)
    return _compare(vector["outputs"], computed, "")


def _compare(expected, computed, prefix):
    """Return (differences, fields not computed) of two dicts, going into lists of dicts."""
    found = []
    unknown = []
    for name in sorted(expected):
        label = prefix + name
        if name not in computed:
            unknown.append(label)
        elif isinstance(expected[name], list):
            more, more_unknown = _compare_lists(expected[name], computed[name], label)
            found += more
            unknown += more_unknown
        elif not _same(expected[name], computed[name]):
            found.append(f"{label}: expected {expected[name]}, got {computed[name]}")
    return found, unknown


def _same(expected, computed):
    # Numbers beyond 53 bits are strings in the format, whatever JSON reader is used.
    return expected == computed or (expected is not None and str(expected) == str(computed))


def _compare_lists(expected, computed, label):
    if len(expected) != len(computed):
        return [f"{label}: expected {len(expected)} of them, got {len(computed)}"], []
    found = []
    unknown = []
    for place, item in enumerate(expected):
        more, more_unknown = _compare(item, computed[place], f"{label}[{place}].")
        found += more
        unknown += more_unknown
    return found, unknown


def _forms(token_class, clear, sent):
    """Return every way a vector writes a token down; `sent` is what stands in the token."""
    digits = transport.to_digits(token_class, sent)
    number = int(digits)
    bits = "".join("1" if number >> bit & 1 else "0" for bit in range(65, -1, -1))
    return {
        "data_block": clear.hex(),
        "crc": clear[6:].hex(),
        "crc_c": clear[6:].hex(),
        "encrypted_block": None if token_class == fields.METER_CLASS else sent.hex(),
        "token66_hex": f"{number:017x}",
        "token66_bin": bits,
        "token20": digits,
        "token_display": transport.grouped(digits),
    }


def _calendar(text):
    """Return year, month, day, hour, minute of a "2014-03-01 13:00"."""
    date, clock = text.split(" ")
    return [int(part) for part in date.split("-") + clock.split(":")[:2]]


def _clear_block(inputs, tid):
    token_class = inputs["class"]
    subclass = inputs["subclass"]
    if token_class == fields.METER_CLASS:
        return generation.meter_test_block(
            subclass=subclass, control=inputs["control"], mfr_code=inputs["mfr_code"]
        )
    if "amount_1e-5" in inputs:
        amount_e5 = int(inputs["amount_1e-5"])
        return generation.currency_credit_block(subclass=subclass, amount_e5=amount_e5, tid=tid)
    rnd = inputs["rnd"]
    if token_class == fields.CREDIT_CLASS:
        units = inputs["amount_units_0.1"]
        return generation.credit_block(subclass=subclass, units=units, tid=tid, rnd=rnd)
    value = inputs["watts"] if "watts" in inputs else inputs["value16_in"]
    return generation.management_block(subclass=subclass, value=value, tid=tid, rnd=rnd)


def _token(inputs, keys):
    """Compute all outputs of a token both ways: made from its inputs, and read from its digits."""
    token_class = inputs["class"]
    if token_class == fields.METER_CLASS:
        clear = _clear_block(inputs, None)
        computed = _forms(token_class, clear, clear)
        read_class, read = transport.from_digits(computed["token20"])
        return _read_back(computed, inputs, fields.Token(read_class, bytes(read)), clear)
    base_date = inputs["base_date"]
    tid = inputs["tid"]
    issued = inputs.get("issue_datetime_utc")
    if issued is not None:
        year, month, day, hour, minute = _calendar(issued)
        tid = token_identifier.from_calendar(year, month, day, hour, minute, base_date)
    clear = _clear_block(inputs, tid)
    key = bytes.fromhex(keys["key"])
    cipher = make_cipher(inputs["ea"], key)
    computed = _forms(token_class, clear, cipher.encrypt(clear))
    computed["decoder_key"] = keys["key"]
    computed.update(_key_blocks(inputs))
    read_class, read = transport.from_digits(computed["token20"])
    token = fields.Token(read_class, cipher.decrypt(read))
    computed["value16"] = token.value16
    computed["decoded_units"] = token.units
    if token.is_currency:
        computed.update(_currency(token.rnd, token.value16))
    return _read_back(computed, inputs, token, clear)


def _read_back(computed, inputs, token, clear):
    """Spoil `computed` visibly if reading the digits does not give what was written."""
    same = token.block == clear and token.token_class == inputs["class"]
    if token.token_class == fields.METER_CLASS:
        same = same and token.control == inputs["control"]
        same = same and token.mfr_code == int(inputs["mfr_code"])
    else:
        same = same and token.tid == inputs["tid"]
    if not same or not crc.matches(token.token_class, token.block):
        computed["token20"] = f"{computed['token20']} (reads as {token.block.hex()})"
    return computed


def _key_blocks(inputs):
    """Return what the decoder key is derived from, under the names of both algorithms."""
    pan, sgc = inputs["meter_pan"], inputs["sgc"]
    kt, krn, ti = inputs["kt"], inputs["krn"], inputs["ti"]
    message = identifiers.dkga04_message(pan, sgc, kt, krn, ti, inputs["base_date"], inputs["ea"])
    return {
        "kdf_data_block": message.hex(),
        "pan_block": identifiers.pan_block(pan, kt).hex(),
        "control_block": identifiers.control_block(kt, sgc, ti, krn).hex(),
    }


def _key_change_set(inputs, keys):
    new = inputs["new"]
    clear_blocks = generation.key_change_blocks(
        ea=inputs["ea"],
        new_key=bytes.fromhex(keys["new"]),
        kt=new["kt"],
        krn=new["krn"],
        ti=new["ti"],
        ken=new["ken"],
        sgc=new["sgc"],
        rollover=bool(new["rollover"]),
        tokens=inputs["number_of_tokens"],
    )
    cipher = make_cipher(inputs["ea"], bytes.fromhex(keys["old"]))
    listed = []
    for place, clear in enumerate(clear_blocks):
        forms = _forms(fields.MANAGEMENT_CLASS, clear, cipher.encrypt(clear))
        forms["section"] = place + 1
        forms["subclass"] = clear[0] >> 4
        listed.append(forms)
    return {"new_decoder_key": keys["new"], "tokens": listed}


def _cipher_case(ea):
    def computed(inputs, _keys):
        cipher = make_cipher(ea, bytes.fromhex(inputs["key"]))
        encrypted = cipher.encrypt(bytes.fromhex(inputs["plaintext"]))
        if cipher.decrypt(encrypted).hex() != inputs["plaintext"]:
            return {"ciphertext": "does not decrypt to the plaintext"}
        return {"ciphertext": encrypted.hex()}

    return computed


def _crc(inputs, _keys):
    body = bytes.fromhex(inputs["body48"])
    token_class = inputs["class"]
    return {
        "crc": f"{crc.checksum(token_class, body):04x}",
        "crc_c": f"{crc.checksum(token_class, body, True):04x}",
    }


def _luhn(inputs, _keys):
    return {"check_digit": identifiers.check_digit(inputs["digits"])}


def _tid(inputs, _keys):
    year, month, day, hour, minute = _calendar(inputs["issue_datetime_utc"])
    tid = token_identifier.from_calendar(year, month, day, hour, minute, inputs["base_date"])
    return {"tid": tid, "tid_hex": f"{tid:06x}"}


def _currency(sign_exponent, value16):
    return {
        "sign": sign_exponent >> 3,
        "exponent": (sign_exponent & 7) << 2 | value16 >> 14,
        "mantissa": value16 & 0x3FFF,
        "sign_exponent_nibble": sign_exponent,
        "value16": value16,
        "value16_hex": f"{value16:04x}",
        "decoded_amount_1e-5": amount.decode_currency(sign_exponent, value16),
    }


def _amount(inputs, _keys):
    if "amount_1e-5" in inputs:
        sign_exponent, value16 = amount.encode_currency(int(inputs["amount_1e-5"]))
        return _currency(sign_exponent, value16)
    value16 = amount.encode(inputs["amount_units_0.1"])
    return {
        "value16": value16,
        "value16_hex": f"{value16:04x}",
        "exponent": value16 >> 14,
        "mantissa": value16 & 0x3FFF,
        "decoded_units_0.1": amount.decode(value16),
    }


_KINDS = {
    "token": _token,
    "key_change_set": _key_change_set,
    "sta": _cipher_case(7),
    "misty1": _cipher_case(11),
    "crc16": _crc,
    "luhn": _luhn,
    "tid": _tid,
    "amount": _amount,
}


def state_of(meter):
    """Return the DecoderState of the `meter` part of a meter case."""
    return decoder.DecoderState(
        ea=meter["ea"],
        decoder_key=bytes.fromhex(meter["decoder_key"]),
        sgc=int(meter["sgc"]),
        kt=meter["kt"],
        krn=meter["krn"],
        ti=meter["ti"],
        ken=meter["ken"],
        mfr_code=meter["mfr_code"],
        base_date=meter["base_date"],
        token_identifiers=sorted(meter["tid_store"]),
        tct=meter.get("tct", 2),
    )


def _meter_case(vector):
    """Feed the steps of a case to a meter with one register and look at each answer."""
    state = state_of(vector["meter"])
    credit_units = 0
    found = []
    for number, step in enumerate(vector["steps"]):
        code, token = decoder.validate(state, step["token20"])
        if code == result.ACCEPT:
            code = decoder.commit(state, token)
            if code == result.ACCEPT:
                credit_units = _register_after(credit_units, token)
        # Each step also crosses a power cut: the state goes through its stored form.
        state = decoder.unpack(decoder.pack(state))
        allowed = [step["expect_result"]] + step.get("accepted_alternatives", [])
        if result.name(code) not in allowed:
            found.append(f"step {number + 1}: expected {allowed[0]}, got {result.name(code)}")
        found += _state_differences(step, number, credit_units, state)
    return found


def _register_after(credit_units, token):
    if token.token_class == fields.CREDIT_CLASS and not token.is_currency:
        return credit_units + token.units
    if token.token_class == fields.MANAGEMENT_CLASS and token.subclass == fields.CLEAR_CREDIT:
        return 0
    return credit_units


def _state_differences(step, number, credit_units, state):
    found = []
    wanted = step.get("expect_credit_units", credit_units)
    if wanted != credit_units:
        found.append(f"step {number + 1}: expected {wanted} units of credit, got {credit_units}")
    key = step.get("expect_decoder_key", state.decoder_key.hex())
    if key != state.decoder_key.hex():
        found.append(f"step {number + 1}: the new decoder key differs")
    return found
