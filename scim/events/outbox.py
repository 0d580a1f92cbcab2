"""Events are written in the transaction of the change itself: no change without its event, and no event without its change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from scim.events.settings import Stream
from scim.events.tables import events

_PREFIX = "urn:ietf:params:scim:event:prov:"


class Deed(StrEnum):
    """What was done to a resource (RFC 9967, section 2.4)."""

    CREATED = "create:notice"
    PATCHED = "patch:notice"
    REPLACED = "put:notice"
    DELETED = "delete"
    ACTIVATED = "activate"
    DEACTIVATED = "deactivate"

    @property
    def uri(self) -> str:
        """The event's name."""
        return _PREFIX + self.value

    @property
    def tells_attributes(self) -> bool:
        """Whether its payload names the attributes; the others have none."""
        return self.value.endswith(":notice")


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one resource in one transaction.

    Attributes:
        endpoint: `Users` or `Groups`.
        resource_id: its SCIM id.
        deeds: what was done; a PATCH that sets `active` to false is PATCHED and DEACTIVATED.
        attributes: which attributes were given or changed, as PATCH paths name them.
        external_id: the identity provider's own id for it, where it is known.
        version: the ETag after it.
    """

    endpoint: str
    resource_id: str
    deeds: Sequence[Deed]
    attributes: Sequence[str] = ()
    external_id: str | None = None
    version: str | None = None


def claims_of(stream: Stream, change: Change, txn: str, now: datetime) -> dict[str, Any]:
    """The claims of the token (RFC 9967, sections 2.1 and 2.2; RFC 8417, section 2.2).

    The subject is in `sub_id` and nowhere else; there is no `sub` and no `exp`, so that it is never taken for an access token.
    """
    subject = {"format": "scim", "uri": f"/{change.endpoint.strip('/')}/{change.resource_id}"}
    if change.external_id:
        subject["externalId"] = change.external_id
    return {
        "iss": stream.issuer,
        "iat": int(now.timestamp()),
        "jti": uuid.uuid4().hex,
        "aud": [stream.audience],
        "txn": txn,
        "sub_id": subject,
        "events": {deed.uri: _payload(deed, change) for deed in change.deeds},
    }


def _payload(deed: Deed, change: Change) -> dict[str, Any]:
    if not deed.tells_attributes:
        return {}
    named: dict[str, Any] = {"attributes": list(dict.fromkeys(change.attributes))}
    return {**named, "version": change.version} if change.version else named


class Outbox:
    """Where changes are told.

    Args:
        streams: by the tenants' names. A tenant without one tells nobody.
    """

    def __init__(self, streams: Mapping[str, Stream]) -> None:
        self.streams = streams

    def changed(
        self, connection: Connection, tenant: str, changes: Iterable[Change], now: datetime, txn: str | None = None
    ) -> int:
        """Write the events of one transaction, with the connection of that transaction.

        Args:
            connection: of the writing transaction; nothing is committed here.
            tenant: whose people.
            changes: what happened.
            now: the present moment.
            txn: names the transaction; made up where it is not given.

        Returns:
            How many events were written.
        """
        stream = self.streams.get(tenant)
        if stream is None:
            return 0
        name = txn or uuid.uuid4().hex
        rows = [
            {
                "tenant": tenant,
                "jti": claims["jti"],
                "claims": orjson.dumps(claims).decode(),
                "created_at": now,
                "tries": 0,
                "next_try_at": now,
            }
            for claims in (claims_of(stream, change, name, now) for change in changes)
        ]
        if rows:
            connection.execute(insert(events), rows)
        return len(rows)


def advertised(stream: Stream | None) -> dict[str, Any] | None:
    """What ServiceProviderConfig says of events as `securityEvents` (RFC 9967, section 4); None: there are none."""
    if stream is None:
        return None
    return {"asyncRequest": "none", "eventUris": [deed.uri for deed in Deed]}
