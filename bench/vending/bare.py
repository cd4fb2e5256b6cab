"""The bare vend: pgbench with the statements of a vend and nothing around them.

It writes the rows that a vend through the API writes when the token is sent to the meter too, in
the same tables with the same triggers, each transaction committed durably.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

import psycopg

from bench.vending.clients import Round
from bench.vending.filling import FIRST_ID
from tools.testing.postgresql import programs

_SCRIPT = r"""
\set meter random({lowest}, {highest})
\set message random(1, 9000000000000000)
\set entry random(1, 9000000000000000)
BEGIN;
SELECT a.id AS agreement, c.name, p.address, m.drn, m.last_tid, a.tariff_id, k.sealed_key,
  v.id AS tariff_version, nextval('vending_sale_id_seq') AS sale,
  nextval('vending_issuedtoken_id_seq') AS token, nextval('fleet_command_id_seq') AS command
  FROM customers_supplyagreement a JOIN customers_customer c ON c.id = a.customer_id
  JOIN customers_premises p ON p.id = a.premises_id JOIN meters_meter m ON m.id = a.meter_id
  JOIN tariffs_tariffversion v ON v.tariff_id = a.tariff_id
  JOIN securitymodule_vendingkey k ON k.sgc = m.sgc
  WHERE m.id = :meter AND a.ended_at IS NULL FOR UPDATE OF m \gset
SELECT id FROM vending_sale WHERE caller = 'pgbench' AND message_id = CAST(:message AS text);
UPDATE meters_meter SET last_tid = coalesce(last_tid, 0) + 1 WHERE id = :meter
  RETURNING last_tid AS tid \gset
INSERT INTO vending_sale (id, receipt_number, caller, message_id, request_digest, meter_id,
  agreement_id, tariff_version_id, operator_id, tender_minor, currency, sold_wh, issued_wh,
  encoded_wh, calculation, particulars, created_at)
  VALUES (:sale, 'b' || CAST(:message AS text), 'pgbench', CAST(:message AS text),
  '{digest}', :meter, :agreement, :tariff_version, {operator}, 5000, 'ZAR', 17391, 17300, 17300,
  '{calculation}', '{particulars}', now());
WITH lines AS (INSERT INTO vending_saleline (sale_id, position, kind, description, amount_minor,
  energy_wh) VALUES {lines})
  INSERT INTO vending_issuedtoken (id, meter_id, sale_id, position, digits, token_class, subclass,
  base_date, tid, units, krn, purpose, issued_by_id, issued_at) VALUES (:token, :meter, :sale, 0,
  '63242037776698024827', 0, 0, 2014, :tid, 173, 1, 'sale 261121-7K3F9-QXM7K', {operator}, now());
INSERT INTO ledger_line (entry_id, account_id, amount_minor, currency) VALUES {postings};
INSERT INTO ledger_entry (id, at, description, reference)
  VALUES (:entry, now(), 'Vend', 'sale-b' || CAST(:message AS text));
INSERT INTO audit_auditentry (at, actor_id, actor_name, source, action, object_type, object_id,
  object_label, before, after, reason, signature) VALUES (now(), {operator}, 'api-bench', 'api:7',
  'vending.vend', 'vending.sale', CAST(:sale AS text), CAST(:message AS text), NULL,
  '{after}', '', '{signature}'),
  (now(), {operator}, 'api-bench', '', 'fleet.token', 'fleet.command', CAST(:command AS text),
  'token to meter', NULL, '{{}}', '', '{signature}');
WITH link AS (INSERT INTO fleet_meterlink (meter_id, online, last_command_number, stored_boot,
  stored_seq, watermark_due, has_gap, low_credit_told, low_credit_drops)
  VALUES (:meter, false, 0, 0, 0, false, false, false, 0) ON CONFLICT DO NOTHING),
  command AS (INSERT INTO fleet_command (id, public_id, meter_id, command, arguments,
  token_identifier, state, reason, requested_by_id, payload, publications, deferrals, detail,
  created_at) VALUES (:command, gen_random_uuid(), :meter, 'token',
  '{{"digits": "63242037776698024827"}}', :tid, 'pending', '', {operator}, '', 0, 0, '{{}}',
  now()))
  INSERT INTO vending_tokendelivery (token_id, command_id) VALUES (:token, :command);
COMMIT;
"""


_LAST = "(SELECT max(id) FROM vending_sale WHERE caller LIKE 'api:%')"
_LINES = f"""SELECT string_agg(
    format('(:sale, %s, %L, %L, %s, %L)', position, kind, description, amount_minor, energy_wh),
    ', ' ORDER BY position)
  FROM vending_saleline WHERE sale_id = {_LAST}"""
_POSTINGS = f"""SELECT string_agg(
    format('(:entry, %s, %s, %L)', account_id, amount_minor, currency), ', ' ORDER BY l.id)
  FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id
  WHERE e.reference = (SELECT 'sale:' || receipt_number FROM vending_sale WHERE id = {_LAST})"""


class Bare:
    """pgbench with its script.

    Args:
        url: the filled database, in which the API has made at least one vend.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._script = _script(url)

    def drive(self, *, clients: int, seconds: float) -> Round:
        """Run for a round."""
        parts = urllib.parse.urlsplit(self._url)
        sockets = urllib.parse.parse_qs(parts.query)["host"][0]
        with tempfile.TemporaryDirectory(prefix="openprepay-bench-") as folder:
            script = Path(folder) / "vend.sql"
            script.write_text(self._script)
            done = subprocess.run(
                [
                    str(programs() / "pgbench"),
                    *("-h", sockets, "-U", str(parts.username), "-n", "-M", "prepared"),
                    *("-c", str(clients), "-T", str(round(seconds)), "-f", str(script)),
                    *("--log", f"--log-prefix={folder}/times", parts.path.lstrip("/")),
                ],
                check=False,
                capture_output=True,
                text=True,
            )
            rate = re.search(r"tps = ([\d.]+)", done.stdout)
            if rate is None or done.returncode:
                raise RuntimeError(f"pgbench failed: {done.stderr.strip()}")
            times = [
                int(line.split()[2]) / 1e6  # client, transaction, microseconds, ...
                for log in Path(folder).glob("times*")
                for line in log.read_text().splitlines()
            ]
        return Round(float(rate[1]), sorted(times))


def _script(url: str) -> str:
    """Return the script with the lines, postings and wide columns of the last vend of the API."""
    with psycopg.connect(url) as connection:

        def one(statement: str) -> str:
            (value,) = connection.execute(statement.encode()).fetchone() or ("",)
            return str(value)

        sale = "SELECT {} FROM vending_sale ORDER BY id DESC LIMIT 1"
        entry = "SELECT {} FROM audit_auditentry WHERE action = 'vending.vend' LIMIT 1"
        return _SCRIPT.format(
            lowest=str(FIRST_ID),
            highest=one("SELECT max(id) FROM meters_meter"),
            operator=one(sale.format("operator_id")),
            digest=one(sale.format("request_digest::text")),
            calculation=_quoted(one(sale.format("calculation::text"))),
            particulars=_quoted(one(sale.format("particulars::text"))),
            after=_quoted(one(entry.format("after::text"))),
            signature=one(entry.format("signature::text")),
            lines=one(_LINES),
            postings=one(_POSTINGS),
        )


def _quoted(text: str) -> str:
    """Return a text that stands between quotes; pgbench takes a word after a colon for its own."""
    return text.replace("'", "''").replace('":"', '": "')
