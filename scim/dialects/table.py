"""A dialect: its lines, how it wants PATCH to be answered, and which tolerances of scim2-models it rests on. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from scim2_models import ScimPolicy

from scim.dialects.exchange import Exchange, Rule, same

STRICT = ScimPolicy()
TOLERANT = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
"""Attributes that no schema declares are dropped instead of refused."""
FORGIVING = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""As well: `remove` with a value takes only that value, and a filter that finds nothing makes the entry it describes."""


class Answer(StrEnum):
    """How a PATCH is answered (RFC 7644, section 3.5.2: either is right)."""

    RESOURCE = "resource"
    """200 with the whole resource."""
    EMPTY = "empty"
    """204 without a body, and so at no cost for a large group."""


@dataclass(frozen=True, slots=True)
class Line:
    """One normalisation.

    Attributes:
        rule: what is done.
        what: the same in words; the note that the call audit shows.
        source: the title of the vendor's page, or the public issue in which it was met.
    """

    rule: Rule
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is known of one identity provider.

    Attributes:
        name: as the configuration writes it.
        lines: the normalisations, in the order in which they are done.
        policy: what scim2-models tolerates itself, so that no rule here needs to.
        user_patch: how a PATCH of a person is answered.
        group_patch: how a PATCH of a group is answered.
        skips_unknown_members: whether a member who is not there is left out, instead of refusing the whole request.
        basic: whether HTTP Basic with a client's id and secret is taken beside bearer tokens.
    """

    name: str
    lines: tuple[Line, ...]
    policy: ScimPolicy = FORGIVING
    user_patch: Answer = Answer.RESOURCE
    group_patch: Answer = Answer.EMPTY
    skips_unknown_members: bool = False
    basic: bool = False

    def answer(self, endpoint: str) -> Answer:
        """How a PATCH at this endpoint (`Users`, `Groups`) is answered."""
        return self.group_patch if endpoint.strip("/").casefold() == "groups" else self.user_patch


def normalise(dialect: Dialect, exchange: Exchange) -> Exchange:
    """The same request in the RFCs' own form, with a note for each line that had something to do.

    Each operation of a bulk request (RFC 7644, section 3.7) is taken as the request that it stands for.
    """
    for line in dialect.lines:
        done = line.rule(exchange)
        if not _equal(done, exchange):
            exchange = replace(done, notes=(*exchange.notes, line.what))
    if exchange.path.strip("/").casefold() == "bulk":
        exchange = _in_bulk(dialect, exchange)
    return exchange


def _equal(one: Exchange, other: Exchange) -> bool:
    return one.query == other.query and same(one.body, other.body)


def _in_bulk(dialect: Dialect, exchange: Exchange) -> Exchange:
    match exchange.body:
        case {"Operations": list(operations), **_rest}:
            notes: list[str] = []
            changed = list(_each(dialect, operations, notes))
            kept = (*exchange.notes, *dict.fromkeys(notes))
            return replace(exchange, body={**exchange.body, "Operations": changed}, notes=kept)
    return exchange


def _each(dialect: Dialect, operations: list[Any], notes: list[str]) -> Iterator[Any]:
    for operation in operations:
        match operation:
            case {"method": str(method), "path": str(path), "data": dict(data), **_rest}:
                done = normalise(dialect, Exchange(method.upper(), path, body=data))
                notes += done.notes
                yield {**operation, "data": done.body}
            case _:
                yield operation
