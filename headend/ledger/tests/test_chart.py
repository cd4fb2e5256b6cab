"""What accounts are called."""

import pytest

from headend.ledger import chart, queries

NAMES = {
    "cash.tills": "Cash at the utility's tills",
    "cash.tills.3": "Cash at the utility's tills: 3",
    "sales.energy": "Energy sold",
    "sales.energy.step-1": "Energy sold: step 1",
    "tax.sales.vat": "Tax on sales: vat",
    "debts.17": "Debts of customers: 17",
    "exchange.USD": "Other currencies taken: USD",
    "elsewhere.new_branch": "Elsewhere new branch",
}


@pytest.mark.parametrize("code", NAMES)
def test_an_account_has_a_name_in_words(code):
    assert chart.name(code) == NAMES[code]


def test_every_account_of_the_chart_has_a_name_of_its_own():
    codes = [
        code
        for constant, code in vars(chart).items()
        if constant.isupper() and isinstance(code, str)
    ]
    assert len(codes) > 20
    names = [chart.name(code) for code in (*codes, *chart.SUBLEDGERS)]
    assert len(set(names)) == len({*codes, *chart.SUBLEDGERS})
    assert not [code for code in codes if chart.name(code) == code.replace(".", " ").capitalize()]


def test_a_trial_balance_goes_from_what_is_owned_to_what_was_spent():
    balances = [
        queries.Balance("losses.debts", "ZAR", "expense", 5),
        queries.Balance("sales.energy", "ZAR", "income", -30),
        queries.Balance("cash.safe", "ZAR", "asset", 40),
        queries.Balance("cash.tills", "ZAR", "asset", -15),
    ]
    groups = queries.by_kind(balances)
    assert [group.kind.label for group in groups] == ["Assets", "Income", "Expenses"]
    assert (groups[0].debits_minor, groups[0].credits_minor) == (40, 15)
