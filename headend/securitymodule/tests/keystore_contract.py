"""What every store of vending keys has to pass: derive a test class from KeyStoreContract.

The class names the store as a fixture `store`, says whether it takes keys of DKGA02, and whether
it gives decoder keys out. docs/security.md says how to add one.
"""

from __future__ import annotations

import pytest

from headend.meters.services import KeyAttributes
from headend.securitymodule.derivation import derive_dkga02, derive_dkga04
from headend.securitymodule.errors import KeyRefused
from headend.securitymodule.keystores import Kept, KeyStore
from headend.testing import make_meter
from shared.sts import identifiers, transport
from shared.sts.cipher import make_cipher

CLEAR = {4: bytes(range(100, 120)), 2: bytes.fromhex("abababababababab")}
LABEL = "vending key 123456/2/1/2014/255/4/False"
TID = 6_500_000


def decoder_key(meter, dkga):
    """The meter's decoder key by the standard's algorithm, worked out here."""
    if dkga == 2:
        return derive_dkga02(
            CLEAR[2],
            identifiers.pan_block(meter.pan, meter.kt),
            identifiers.control_block(meter.kt, meter.sgc, meter.ti, meter.krn),
        )
    message = identifiers.dkga04_message(
        meter.pan, meter.sgc, meter.kt, meter.krn, meter.ti, meter.base_date, meter.ea
    )
    return derive_dkga04(CLEAR[4], message, meter.ea)


def opened(meter, digits, dkga=4, key=None):
    """The clear block of a token, by the meter."""
    _, block = transport.from_digits(digits)
    return make_cipher(meter.ea, key or decoder_key(meter, dkga)).decrypt(block)


@pytest.mark.django_db
class KeyStoreContract:
    """Tests of one store, given as the fixture `store`, whose NAME the database would keep."""

    NAME = ""
    TAKES_DKGA02 = False
    GIVES_DECODER_KEYS = True

    @pytest.fixture
    def store(self) -> KeyStore:
        raise NotImplementedError

    def kept(self, store: KeyStore, dkga: int = 4, label: str = LABEL) -> Kept:
        return Kept(self.NAME, store.keep(CLEAR[dkga], label=label), label, dkga)

    @pytest.mark.parametrize("ea", [7, 11])
    def test_a_credit_token_opens_in_the_meter(self, store, ea):
        meter = make_meter(key=KeyAttributes(sgc="123456", ea=ea))
        digits = store.credit(self.kept(store), meter, units=173, tid=TID)
        clear = opened(meter, digits)
        assert len(digits) == 20
        assert int.from_bytes(clear[1:6], "big") & 0xFFFF == 173
        assert int.from_bytes(clear[1:6], "big") >> 16 & 0xFFFFFF == TID

    def test_a_management_token_opens_in_the_meter(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456"))
        digits = store.management(self.kept(store), meter, subclass=1, value=0, tid=TID)
        assert int.from_bytes(opened(meter, digits)[1:6], "big") >> 16 & 0xFFFFFF == TID

    def test_a_key_change_gives_the_new_key(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456"))
        changed = type(meter)(**{f.attname: getattr(meter, f.attname) for f in meter._meta.fields})
        changed.krn = 2
        kept = self.kept(store)
        new = self.kept(store, label=LABEL.replace("2/1", "2/2"))
        digits = store.key_change(kept, meter, new, changed, count=2)
        high, low = (int.from_bytes(opened(meter, one)[2:6], "big") for one in digits)
        assert (high << 32 | low).to_bytes(8, "big") == decoder_key(changed, 4)

    def test_dkga02_is_taken_or_refused(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456", dkga=2))
        if self.TAKES_DKGA02:
            digits = store.credit(self.kept(store, 2), meter, units=1, tid=TID)
            assert int.from_bytes(opened(meter, digits, 2)[1:6], "big") & 0xFFFF == 1
            return
        with pytest.raises(KeyRefused):
            store.credit(Kept(self.NAME, b"x", LABEL, 2), meter, units=1, tid=TID)

    def test_a_decoder_key_is_given_to_provision_or_refused(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456"))
        kept = self.kept(store)
        if self.GIVES_DECODER_KEYS:
            assert store.decoder_key(kept, meter) == decoder_key(meter, 4)
            return
        with pytest.raises(KeyRefused):
            store.decoder_key(kept, meter)

    def test_what_was_kept_serves_no_other_label(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456"))
        kept = self.kept(store)
        other = Kept(kept.store, kept.kept, LABEL.replace("123456", "654321"), 4)
        with pytest.raises(KeyRefused):
            store.credit(other, meter, units=1, tid=TID)

    def test_a_key_kept_twice_is_found_each_time(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456"))
        for kept in (self.kept(store), self.kept(store)):
            assert opened(meter, store.credit(kept, meter, units=1, tid=TID))

    def test_the_database_never_sees_the_key(self, store):
        kept = self.kept(store)
        assert CLEAR[4] not in kept.kept
        assert CLEAR[4].hex() not in repr(kept) + repr(vars(store))

    def test_forgetting_disturbs_no_other_key(self, store):
        meter = make_meter(key=KeyAttributes(sgc="123456"))
        kept, gone = self.kept(store), self.kept(store, label=LABEL + "x")
        store.forget(gone.kept, label=gone.label)
        assert opened(meter, store.credit(kept, meter, units=1, tid=TID))
