"""Every store passes the same contract; so would one that gives nothing out at all."""

import pytest

from headend.accounts.services import console_user
from headend.meters.services import KeyAttributes
from headend.securitymodule import keystores, roots, services
from headend.securitymodule.errors import ModuleUnavailable
from headend.securitymodule.keystores import DerivingStore, Kept, SoftwareVault
from headend.securitymodule.models import VendingKey
from headend.securitymodule.pkcs11_store import Pkcs11Store
from headend.securitymodule.tests import network_store
from headend.securitymodule.tests.keystore_contract import CLEAR, LABEL, TID, KeyStoreContract
from headend.securitymodule.tests.network_store import NetworkStore, StandIn
from headend.testing import NOON, make_meter


class TestSoftwareVault(KeyStoreContract):
    """The vault in the database."""

    NAME = keystores.SOFTWARE
    TAKES_DKGA02 = True

    @pytest.fixture
    def store(self):
        return SoftwareVault()


@pytest.mark.usefixtures("empty_token")
class TestPkcs11(KeyStoreContract):
    """A PKCS#11 module: SoftHSM2."""

    NAME = keystores.PKCS11

    @pytest.fixture
    def store(self, module):
        return module


class TestNetworkModule(KeyStoreContract):
    """A stand-in of a module in the network, which makes the tokens itself."""

    NAME = keystores.NETWORK
    TAKES_DKGA02 = True
    GIVES_DECODER_KEYS = False

    @pytest.fixture
    def store(self, stand_in):
        return NetworkStore()


@pytest.fixture
def stand_in(settings):
    """Run a module on a port of this machine, named as the one for new keys."""
    settings.NETWORK_KEY_STORE = f"{network_store.__name__}.NetworkStore"
    with StandIn() as running:
        yield running


@pytest.mark.django_db
def test_the_whole_way_of_a_token_goes_through_the_network_module(stand_in, settings):
    services.load_vending_key(
        clear_key=CLEAR[4], sgc="123456", kt=2, krn=1, base_date=2014, by=console_user(), at=NOON
    )
    assert VendingKey.objects.get().store == keystores.NETWORK
    meter = make_meter(key=KeyAttributes(sgc="123456"))
    assert len(services.generate_credit_token(meter, units=7, tid=TID, at=NOON)) == 20
    roots.create_link_root(sgc="123456", generation=1, by=console_user(), at=NOON)
    with pytest.raises(ModuleUnavailable, match="gives no decoder key out"):
        services.provisioning_secrets(meter, console_user(), NOON)
    settings.NETWORK_KEY_STORE = "nowhere.Store"
    with pytest.raises(ModuleUnavailable, match="OPENPREPAY_NETWORK_KEY_STORE"):
        services.generate_credit_token(meter, units=7, tid=TID, at=NOON)


@pytest.mark.django_db
def test_a_network_module_that_does_not_answer_says_so(stand_in):
    meter = make_meter(key=KeyAttributes(sgc="123456"))
    store = NetworkStore()
    kept = Kept(keystores.NETWORK, store.keep(CLEAR[4], label=LABEL), LABEL, 4)
    stand_in.stop()
    with pytest.raises(ModuleUnavailable, match="does not answer"):
        store.credit(kept, meter, units=1, tid=TID)


def test_both_own_stores_derive():
    assert issubclass(SoftwareVault, DerivingStore)
    assert issubclass(Pkcs11Store, DerivingStore)
