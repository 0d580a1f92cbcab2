"""Many requests in one (RFC 7644, 3.7). What became of each is read from the answer; what it does not tell is not known.

May not: take an operation for done that the answer does not name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from connectors.http import LostError
from connectors.scim.service import OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.scim.features import Features
    from connectors.scim.service import Json, Service

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
WORTH = 5
"""From so many on one request is better than several."""
_MOST = 100
"""Operations in one request, whatever the service allows: an answer that is lost leaves so many to be looked up."""


def create_all(service: Service, features: Features, path: str, resources: Sequence[Json]) -> dict[int, str]:
    """Create resources.

    Returns:
        Place in `resources` -> the new id, of those whose creation the service acknowledged.
    """
    made: dict[int, str] = {}
    operations = [
        {"method": "POST", "path": path, "bulkId": str(place), "data": resource}
        for place, resource in enumerate(resources)
    ]
    for part in _parts(operations, features):
        try:
            reply = service.ask("POST", "/Bulk", body={"schemas": [REQUEST], "Operations": part})
        except LostError:
            return made
        told = (reply.body or {}).get("Operations")
        if reply.status != OK or not isinstance(told, list):
            return made
        sent = {operation["bulkId"] for operation in part}
        for one in told:
            if isinstance(one, dict) and one.get("bulkId") in sent and str(one.get("status")) == "201":
                key = str(one.get("location") or "").rstrip("/").rpartition("/")[2]
                if key:
                    made[int(one["bulkId"])] = key
    return made


def _parts(operations: Sequence[Json], features: Features) -> Iterator[list[Json]]:
    """As many at once as the service takes."""
    most, size = min(_MOST, features.bulk_operations), features.bulk_bytes or 1 << 20
    part: list[Json] = []
    used = 200
    for operation in operations:
        length = len(orjson.dumps(operation)) + 1
        if part and (len(part) == most or used + length > size):
            yield part
            part, used = [], 200
        part.append(operation)
        used += length
    if part:
        yield part
