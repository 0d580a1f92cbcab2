"""One request as the dialects see it, and the small words with which their rules are written. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operation = Mapping[str, Any]
"""One entry of a PATCH request's `Operations` (RFC 7644, section 3.5.2)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, below the tenant's base path.

    Attributes:
        method: GET, POST, PUT, PATCH or DELETE.
        path: begins with a slash, as `/Users/2819c223`.
        query: its parameters.
        body: the parsed JSON; None where there is none.
        notes: what was normalised so far, in words.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    notes: tuple[str, ...] = ()

    @property
    def base_schema(self) -> str | None:
        """The schema of the resources at this path; None where it is neither people nor groups."""
        endpoint = self.path.strip("/").split("/")[0].casefold()
        return {"users": USER, "me": USER, "groups": GROUP}.get(endpoint)

    @property
    def resource_id(self) -> str | None:
        """The id that the path names."""
        parts = self.path.strip("/").split("/")
        return parts[1] if len(parts) > 1 else None


Rule = Callable[[Exchange], Exchange]
"""A normalisation. Gives back an equal exchange where it has nothing to do."""


def same(one: object, other: object) -> bool:
    """Whether two JSON values are the same; for Python 1 equals True."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def on_operations(change: Callable[[Operation, Exchange], Sequence[Operation]]) -> Rule:
    """A rule for PATCH, from a change of one operation into those that say the same (none: it says nothing)."""

    def rule(exchange: Exchange) -> Exchange:
        match exchange:
            case Exchange(method="PATCH", body={"Operations": list(operations), **_rest}):
                changed: list[Any] = []
                for operation in operations:
                    changed += change(operation, exchange) if isinstance(operation, dict) else [operation]
                return replace(exchange, body={**exchange.body, "Operations": changed})
        return exchange

    return rule


def on_resource(change: Callable[[dict[str, Any], Exchange], dict[str, Any]]) -> Rule:
    """A rule for POST and PUT of one person or group."""

    def rule(exchange: Exchange) -> Exchange:
        if exchange.method in {"POST", "PUT"} and exchange.base_schema and isinstance(exchange.body, dict):
            return replace(exchange, body=change(exchange.body, exchange))
        return exchange

    return rule


def on_filter(change: Callable[[str], str]) -> Rule:
    """A rule for the text of a filter, wherever it stands: in the query, or in the body of a `.search`."""

    def rule(exchange: Exchange) -> Exchange:
        if isinstance(exchange.query.get("filter"), str):
            exchange = replace(exchange, query={**exchange.query, "filter": change(exchange.query["filter"])})
        if exchange.path.endswith("/.search"):
            match exchange.body:
                case {"filter": str(text), **_rest}:
                    exchange = replace(exchange, body={**exchange.body, "filter": change(text)})
        return exchange

    return rule
