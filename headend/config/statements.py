"""The vend's statements: all SQL of a sale that is not written by the ORM.

What a sale writes anew is written by `writing.insert`, which needs no text. Each statement has a
twin in the ORM, in `headend.vending.tests.twin`; a test runs both on random sales and compares
what comes back and what is in the database afterwards. {a:app.Model} is told in `prepared`.
"""

from __future__ import annotations

from headend.config.prepared import Statement

# --- on which terms ------------------------------------------------------------------------------

EDITION = Statement("SELECT number FROM api_edition")

# --- who asks ------------------------------------------------------------------------------------

_KEY = """SELECT {k:api.ApiKey}, {k.program=u:accounts.User},
        (SELECT string_agg(CAST(permission_id AS text), ' ') FROM (
            SELECT permission_id FROM accounts_user_user_permissions WHERE user_id = u.id
            UNION ALL SELECT g.permission_id FROM auth_group_permissions g
            JOIN accounts_user_groups m ON m.group_id = g.group_id WHERE m.user_id = u.id) one)
    FROM api_apikey k JOIN accounts_user u ON u.id = k.program_id WHERE k.prefix = %s"""
KEY = Statement(
    _KEY,
    sqlite=_KEY.replace("string_agg", "group_concat"),
    keeps=True,
    also=("may",),
)
PERMISSIONS = Statement(
    """SELECT t.app_label || '.' || p.codename
    FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
    WHERE p.id IN (
        SELECT permission_id FROM accounts_user_user_permissions WHERE user_id = %s
        UNION SELECT g.permission_id FROM auth_group_permissions g
        JOIN accounts_user_groups m ON m.group_id = g.group_id WHERE m.user_id = %s)"""
)
OPERATOR = Statement(
    """SELECT {o:vendors.Operator}, {o.vendor=v:vendors.Vendor},
        {v.contract=c:vendors.Contract}, {o.till=t:vendors.Till}
    FROM vendors_operator o JOIN vendors_vendor v ON v.id = o.vendor_id
    LEFT JOIN vendors_contract c ON c.id = v.contract_id
    LEFT JOIN vendors_till t ON t.id = o.till_id WHERE o.user_id = %s""",
    keeps=True,
)
SHIFT = Statement(
    """SELECT {s:vendors.Shift}, {s.till=t:vendors.Till}
    FROM vendors_shift s JOIN vendors_till t ON t.id = s.till_id
    WHERE s.user_id = %s AND s.state IN ('open', 'counted') ORDER BY s.id LIMIT 1"""
)

# --- for whom ------------------------------------------------------------------------------------

# With a guess, before the meter is locked, of what to ask for together with the lock.
_METER = """SELECT {m:meters.Meter}, a.id, a.tariff_id, a.customer_id, a.premises_id
    FROM meters_meter m LEFT JOIN customers_supplyagreement a
    ON a.meter_id = m.id AND a.ended_at IS NULL WHERE m."""
SEEN_WITH_METER = ("agreement_seen", "tariff_seen", "customer_seen", "premises_seen")
METER_BY_DRN = Statement(_METER + "drn = %s", also=SEEN_WITH_METER)
METER_BY_PAN = Statement(_METER + "pan = %s", also=SEEN_WITH_METER)
_AGREEMENT = """SELECT {a:customers.SupplyAgreement}, {a.meter=m:meters.Meter},
        {a.customer=c:customers.Customer}, {a.premises=p:customers.Premises},
        {a.tariff=t:tariffs.Tariff}
    FROM customers_supplyagreement a JOIN meters_meter m ON m.id = a.meter_id
    JOIN customers_customer c ON c.id = a.customer_id
    JOIN customers_premises p ON p.id = a.premises_id
    JOIN tariffs_tariff t ON t.id = a.tariff_id
    WHERE a.meter_id = %s AND a.ended_at IS NULL"""
AGREEMENT = Statement(_AGREEMENT)
AGREEMENT_LOCKED = Statement(_AGREEMENT + " FOR UPDATE OF m")  # one sale of a meter at a time
IS_SOLD = Statement(
    "SELECT EXISTS (SELECT 1 FROM vending_sale WHERE caller = %s AND message_id = %s)", facts=1
)
SALE_OF_MESSAGE = Statement(
    "SELECT {s:vending.Sale} FROM vending_sale s WHERE s.caller = %s AND s.message_id = %s"
)

# --- what it costs -------------------------------------------------------------------------------

_TARIFF_VERSION = """SELECT {v:tariffs.TariffVersion}, {v.tariff=t:tariffs.Tariff}
    FROM tariffs_tariffversion v JOIN tariffs_tariff t ON t.id = v.tariff_id
    WHERE v.tariff_id = %s"""
# Not asked by the time: these are the same all day, and one of them is in force as a rule.
LATEST_VERSIONS = Statement(_TARIFF_VERSION + " ORDER BY v.valid_from DESC LIMIT 4", keeps=True)
TARIFF_VERSION = Statement(
    _TARIFF_VERSION + " AND v.valid_from <= %s ORDER BY v.valid_from DESC LIMIT 1"
)
LAST_STATE = Statement(
    """SELECT (SELECT s.calculation FROM vending_sale s
            LEFT JOIN vending_reversal r ON r.sale_id = s.id
            WHERE s.agreement_id = %s AND r.id IS NULL
            ORDER BY s.id DESC LIMIT 1),
        (SELECT state FROM vending_openinguse WHERE agreement_id = %s)""",
    facts=2,
)
ISSUED = Statement(
    """SELECT (SELECT sum(s.issued_wh) FROM vending_sale s
            LEFT JOIN vending_reversal r ON r.sale_id = s.id
            WHERE s.agreement_id = %s AND s.created_at >= %s AND s.created_at < %s
            AND r.id IS NULL),
        (SELECT sum(issued_wh) FROM vending_openinguse
            WHERE agreement_id = %s AND as_of >= %s AND as_of < %s),
        (SELECT sum(energy_wh) FROM vending_freegrant
            WHERE agreement_id = %s AND granted_at >= %s AND granted_at < %s)"""
)
_DEBTS = """SELECT {d:debts.Debt} FROM debts_debt d WHERE d.balance_minor > 0
    AND (d.customer_id = %s OR d.premises_id = %s) ORDER BY d.id"""
DEBTS = Statement(_DEBTS)
DEBTS_LOCKED = Statement(_DEBTS + " FOR UPDATE OF d")

# --- the sale ------------------------------------------------------------------------------------

VENDING_KEY = Statement(
    """SELECT {k:securitymodule.VendingKey} FROM securitymodule_vendingkey k WHERE k.sgc = %s
    AND k.kt = %s AND k.krn = %s AND k.base_date = %s AND k.dkga = %s""",
    keeps=True,
)
IS_ENROLLED = Statement(
    """SELECT EXISTS (SELECT 1 FROM vending_freeenrolment
    WHERE customer_id = %s AND premises_id = %s)""",
    facts=1,
)
NEW_IDS = Statement(
    """SELECT nextval('vending_sale_id_seq'), nextval('vending_issuedtoken_id_seq'),
    nextval('fleet_command_id_seq')""",
    sqlite="""SELECT
    (SELECT 1 + coalesce(sum(seq), 0) FROM sqlite_sequence WHERE name = 'vending_sale'),
    (SELECT 1 + coalesce(sum(seq), 0) FROM sqlite_sequence WHERE name = 'vending_issuedtoken'),
    (SELECT 1 + coalesce(sum(seq), 0) FROM sqlite_sequence WHERE name = 'fleet_command')""",
    facts=3,
)
TOKEN_IDENTIFIER = Statement(
    """UPDATE meters_meter SET last_tid = %s WHERE id = %s AND coalesce(last_tid, -1) = %s
    RETURNING id"""
)
ACCOUNT = Statement("SELECT id FROM ledger_account WHERE code = %s AND currency = %s")
PURSE = Statement(
    """UPDATE vendors_purse SET available_minor = available_minor - %s WHERE id = (
        SELECT id FROM vendors_purse WHERE vendor_id = %s AND is_open AND available_minor >= %s
        ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"""
)
BEFORE_PURSE = Statement("SAVEPOINT before_purse")
BACK_BEFORE_PURSE = Statement("ROLLBACK TO SAVEPOINT before_purse")
SHIFT_SALE = Statement(
    """UPDATE vendors_shift SET sales_count = sales_count + 1, sold_minor = sold_minor + %s
    WHERE id = %s AND state = 'open' RETURNING id"""
)
DEBT_PAID = Statement(
    "UPDATE debts_debt SET balance_minor = balance_minor - %s WHERE id = %s RETURNING id"
)
HAS_LINK = Statement("SELECT EXISTS (SELECT 1 FROM fleet_meterlink WHERE meter_id = %s)", facts=1)
