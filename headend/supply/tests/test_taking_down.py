"""Taking a meter down where nobody is served any more."""

import pytest

from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted
from headend.fleet.services import queue_token
from headend.meters.errors import InvalidMeter
from headend.supply import closings, taking_down
from headend.supply.errors import FormerClosingOpen
from headend.supply.tests.conftest import DAY, LATER, close
from headend.testing import NOON

pytestmark = pytest.mark.django_db


def take_down(meter, *, scrapped=False, by=None):
    return taking_down.take_down(
        meter, scrapped=scrapped, by=by or console_user(), at=LATER + DAY, reason="demolished"
    )


@pytest.mark.parametrize(("scrapped", "status"), [(False, "removed"), (True, "scrapped")])
def test_a_meter_that_serves_nobody_is_taken_down_once(supply, scrapped, status):
    close(supply, credit_wh=0)
    waiting = queue_token(meter=supply.meter, digits="1" * 20, requested_by=None, at=NOON)
    assert take_down(supply.meter, scrapped=scrapped).status == status
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    with pytest.raises(InvalidMeter, match="only an installed one is removed"):
        take_down(supply.meter)


def test_a_meter_stays_while_it_serves_or_has_to_be_read(supply):
    with pytest.raises(FormerClosingOpen, match="serves Nomsa Dube"):
        take_down(supply.meter)
    closing = closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=False)
    with pytest.raises(FormerClosingOpen, match=f"not known to closing {closing}"):
        take_down(supply.meter)
    cashier = create_user(username="c", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        take_down(supply.meter, by=cashier)


def test_it_is_taken_down_on_its_page(supply, log_in):
    close(supply, credit_wh=0)
    installer = log_in("installer")
    address = f"/supply/meters/{supply.meter.drn}/take-down/"
    assert address in installer.get(f"/meters/{supply.meter.drn}/").content.decode()
    assert installer.post(address, {"reason": ""}).status_code == 422
    assert installer.post(address, {"reason": "demolished"}).url == f"/meters/{supply.meter.drn}/"
    supply.meter.refresh_from_db()
    assert supply.meter.status == "removed"
