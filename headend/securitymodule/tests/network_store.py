"""A network security module for tests: keys stay in its server, which makes the tokens.

The store speaks JSON lines over TCP. A real module speaks its maker's protocol instead.
"""

from __future__ import annotations

import json
import secrets
import socket
import socketserver
import threading
from typing import Any, ClassVar

from headend.meters.models import Meter
from headend.securitymodule.derivation import derive_dkga02, derive_dkga04
from headend.securitymodule.errors import ModuleUnavailable
from headend.securitymodule.keystores import NETWORK, DerivingStore, Kept

ATTRIBUTES = ("pan", "sgc", "kt", "krn", "ti", "ken", "base_date", "ea", "dkga", "tct")


class NetworkStore:
    """Asks the module for whole tokens."""

    address: ClassVar[tuple[str, int]] = ("127.0.0.1", 0)

    def keep(self, clear: bytes, *, label: str) -> bytes:
        """Hand a key over."""
        return bytes.fromhex(self._ask("keep", clear=clear.hex(), label=label))

    def forget(self, kept: bytes, *, label: str) -> None:
        """Have a key destroyed."""
        self._ask("forget", kept=kept.hex(), label=label)

    def credit(self, key: Kept, meter: Meter, *, units: int, tid: int) -> str:
        """Have a credit token made."""
        return str(self._ask("credit", **_named(key), meter=_told(meter), units=units, tid=tid))

    def management(self, key: Kept, meter: Meter, *, subclass: int, value: int, tid: int) -> str:
        """Have a management token made."""
        more = {"subclass": subclass, "value": value, "tid": tid}
        return str(self._ask("management", **_named(key), meter=_told(meter), **more))

    def key_change(
        self, key: Kept, meter: Meter, new_key: Kept, changed: Meter, *, count: int
    ) -> list[str]:
        """Have a set of key-change tokens made, from one of its keys to another."""
        if new_key.store != NETWORK:
            raise ModuleUnavailable(f"the network module does not hold {new_key.label}")
        return list(
            self._ask(
                "key_change",
                **_named(key),
                meter=_told(meter),
                new=_named(new_key),
                changed=_told(changed),
                count=count,
            )
        )

    def decoder_key(self, key: Kept, meter: Meter) -> bytes:
        """Refuse."""
        raise ModuleUnavailable(f"the network module gives no decoder key out, of {key.label}")

    def _ask(self, what: str, **more: Any) -> Any:
        try:
            with socket.create_connection(self.address, timeout=5) as connection:
                connection.sendall(json.dumps({"what": what, **more}).encode() + b"\n")
                answer = json.loads(connection.makefile().readline())
        except (OSError, ValueError) as error:
            raise ModuleUnavailable(f"the network module does not answer ({error})") from None
        if "refused" in answer:
            raise ModuleUnavailable(f"the network module refused: {answer['refused']}")
        return answer["answer"]


class StandIn:
    """The module itself, on a port of this machine while it is entered."""

    def __enter__(self) -> StandIn:
        inside = _Inside()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                asked = json.loads(self.rfile.readline())
                try:
                    answer = {"answer": getattr(inside, f"do_{asked.pop('what')}")(**asked)}
                except KeyError:
                    answer = {"refused": "no such key"}
                self.wfile.write(json.dumps(answer).encode() + b"\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        NetworkStore.address = ("127.0.0.1", self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Go away."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __exit__(self, *exception: object) -> None:
        if self._thread.is_alive():
            self.stop()


class _Inside(DerivingStore):
    """What is behind the network: keys by id and label, and the standard's arithmetic."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], bytes] = {}

    def do_keep(self, clear: str, label: str) -> str:
        kept = secrets.token_hex(8)
        self._keys[kept, label] = bytes.fromhex(clear)
        return kept

    def do_forget(self, kept: str, label: str) -> None:
        del self._keys[kept, label]

    def do_credit(self, kept: str, label: str, dkga: int, meter: Any, units: int, tid: int) -> str:
        return self.credit(_key(kept, label, dkga), Meter(**meter), units=units, tid=tid)

    def do_management(
        self, kept: str, label: str, dkga: int, meter: Any, subclass: int, value: int, tid: int
    ) -> str:
        return self.management(
            _key(kept, label, dkga), Meter(**meter), subclass=subclass, value=value, tid=tid
        )

    def do_key_change(
        self, kept: str, label: str, dkga: int, meter: Any, new: Any, changed: Any, count: int
    ) -> list[str]:
        return self.key_change(
            _key(kept, label, dkga), Meter(**meter), _key(**new), Meter(**changed), count=count
        )

    def _new_decoder_key(self, new_key: Kept, changed: Meter) -> bytes:
        return self.decoder_key(new_key, changed)

    def dkga02(self, kept: bytes, *, label: str, pan_block: bytes, control_block: bytes) -> bytes:
        return derive_dkga02(self._keys[kept.hex(), label], pan_block, control_block)

    def dkga04(self, kept: bytes, *, label: str, message: bytes, ea: int) -> bytes:
        return derive_dkga04(self._keys[kept.hex(), label], message, ea)


def _key(kept: str, label: str, dkga: int) -> Kept:
    return Kept(NETWORK, bytes.fromhex(kept), label, dkga)


def _named(key: Kept) -> dict[str, Any]:
    return {"kept": key.kept.hex(), "label": key.label, "dkga": key.dkga}


def _told(meter: Meter) -> dict[str, Any]:
    return {name: getattr(meter, name) for name in ATTRIBUTES}
