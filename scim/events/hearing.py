"""The outbox as the provider's storage wants it: told, inside of each writing transaction, of ids and one deed.

Which attributes a change was about is read from the request that is being answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from scim.access.seams import present_exchange, present_transaction
from scim.dialects import Exchange
from scim.events.outbox import Change, Deed, Outbox

_DEEDS: Final = {
    "create": Deed.CREATED,
    "replace": Deed.REPLACED,
    "patch": Deed.PATCHED,
    "delete": Deed.DELETED,
    "activate": Deed.ACTIVATED,
    "deactivate": Deed.DEACTIVATED,
}
_UNTOLD = frozenset({"schemas", "meta", "id", "password"})
_FILTER = re.compile(r"\[.*\]")

Changed = Callable[[Connection, str, str, list[str], str], None]


def hearing(outbox: Outbox, clock: Callable[[], datetime]) -> Changed:
    """`changed(connection, tenant, kind, ids, deed)`: an event for each id, in the transaction of the change."""

    def changed(connection: Connection, tenant: str, kind: str, ids: list[str], deed: str) -> None:
        if tenant not in outbox.streams:
            return
        told = _DEEDS[deed]
        exchange = present_exchange()
        attributes = attributes_of(exchange) if exchange and told.tells_attributes else ()
        if told is Deed.CREATED:
            attributes = ("id", *attributes)
        endpoint = f"{kind}s"
        changes = [Change(endpoint, one, (told,), attributes) for one in ids]
        outbox.changed(connection, tenant, changes, clock(), present_transaction())

    return changed


def attributes_of(exchange: Exchange) -> Sequence[str]:
    """The attributes that a request writes, as PATCH paths without filters; of a bulk request those of all its operations."""
    return tuple(dict.fromkeys(_written(exchange)))


def _written(exchange: Exchange) -> Iterator[str]:
    body = exchange.body
    if not isinstance(body, dict):
        return
    operations = body.get("Operations")
    if not isinstance(operations, list):
        yield from _names(body)
        return
    for operation in operations:
        match operation:
            case {"method": str(), "data": dict(data)}:
                yield from _written(Exchange(operation["method"], "", body=data))
            case {"path": str(path)} if path:
                yield _FILTER.sub("", path)
            case {"value": dict(value)}:
                yield from (_FILTER.sub("", name) for name in _names(value))


def _names(body: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in body if name not in _UNTOLD)
