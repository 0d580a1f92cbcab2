"""What a service says that it can do (RFC 7643, 5; RFC 9865, 4). What it does not say, it cannot do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.scim.service import OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.scim.service import Service

PATH = "/ServiceProviderConfig"


@dataclass(frozen=True, slots=True)
class Features:
    """Of one service."""

    told: bool = False
    """Whether it has a ServiceProviderConfig at all."""
    patch: bool = False
    filter: bool = False
    etag: bool = False
    bulk_operations: int = 0
    """The most operations of one bulk request; 0: it has none."""
    bulk_bytes: int = 0
    cursor: bool = False
    index: bool = True
    largest_page: int | None = None

    def words(self) -> str:
        """For a person: `PATCH, filter, ETag; paging by index`."""
        can = [
            name
            for name, has in (
                ("PATCH", self.patch),
                ("filter", self.filter),
                ("ETag", self.etag),
                (f"bulk of {self.bulk_operations}", self.bulk_operations > 0),
            )
            if has
        ]
        ways = [name for name, has in (("index", self.index), ("cursor", self.cursor)) if has]
        return f"{', '.join(can) or 'nothing optional'}; paging by {' or '.join(ways)}"


def features_of(service: Service) -> Features:
    """Ask a service.

    Raises:
        ConnectorError: it cannot be reached, or does not let us in.
    """
    reply = service.ask("GET", PATH)
    body = reply.body or {}
    if reply.status != OK:
        return Features()
    resources = body.get("Resources")
    if isinstance(resources, list) and len(resources) == 1 and isinstance(resources[0], dict):
        body = resources[0]  # as some services have it, though it is no list (RFC 7644, 4)
    bulk, paging = _section(body, "bulk"), _section(body, "pagination")
    cursor = paging.get("cursor") is True
    return Features(
        told=True,
        patch=_supported(body, "patch"),
        filter=_supported(body, "filter"),
        etag=_supported(body, "etag"),
        bulk_operations=_number(bulk, "maxOperations") or 0 if _supported(body, "bulk") else 0,
        bulk_bytes=_number(bulk, "maxPayloadSize") or 0,
        cursor=cursor,
        index=paging.get("index") is not False or not cursor,
        largest_page=_number(paging, "maxPageSize") or _number(_section(body, "filter"), "maxResults"),
    )


def _section(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = body.get(name)
    return section if isinstance(section, dict) else {}


def _supported(body: Mapping[str, Any], name: str) -> bool:
    return _section(body, name).get("supported") is True


def _number(section: Mapping[str, Any], name: str) -> int | None:
    number = section.get(name)
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else None
