"""Parameters that take an opaque id from a program and hand operations the row number."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic_core import core_schema

from headend.api.errors import OtherKind
from headend.config import opaque

_NO_ROW = 0
_PATTERN = f"^{opaque.PATTERN}$"


class Asked:
    """Annotates a row number that programs send as an opaque id; an unknown id gives no row.

    Args:
        kind: label of the row's model.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return how it is read."""
        return core_schema.no_info_before_validator_function(
            self._decoded, core_schema.int_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return how it is described."""
        return {"type": "string", "pattern": _PATTERN}

    def _decoded(self, value: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(opaque.PATTERN, value):
            raise ValueError("an id is thirteen letters and digits, as it was given out")
        try:
            return opaque.decode(self._kind, value)
        except opaque.WrongKind as error:
            raise OtherKind(str(error)) from None
        except ValueError:
            return _NO_ROW


AskedAgreement = Annotated[int, Asked("customers.supplyagreement")]
AskedApproval = Annotated[int, Asked("accounts.approval")]
AskedBankPayment = Annotated[int, Asked("ledger.bankpayment")]
AskedCampaign = Annotated[int, Asked("campaigns.campaign")]
AskedCustomer = Annotated[int, Asked("customers.customer")]
AskedDebt = Annotated[int, Asked("debts.debt")]
AskedImport = Annotated[int, Asked("exchange.job")]
AskedPremises = Annotated[int, Asked("customers.premises")]
AskedToken = Annotated[int, Asked("vending.issuedtoken")]
AskedVendor = Annotated[int, Asked("vendors.vendor")]
AskedWebhook = Annotated[int, Asked("webhooks.subscription")]

AnyId = Annotated[str, StringConstraints(pattern=_PATTERN)]  # of a kind that stands beside it
