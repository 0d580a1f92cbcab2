"""What `syncd check` tells of a SCIM service: whether it answers and lets us in, what it can do, how many it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.base import Told
from connectors.errors import ConnectorError
from connectors.model import Problem
from connectors.scim.pages import read_page
from connectors.scim.reading import GROUPS, USERS, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.scim.features import Features
    from connectors.scim.service import Service
    from connectors.scim.settings import SourceSettings

_SHOWN = 5


def explain_source(service: Service, settings: SourceSettings) -> Iterator[Told]:
    """Everything that was looked at, in that order; ends at the first thing without which nothing else can be."""
    try:
        reading = Reading(service, settings)
        yield from tell_features(service, reading.features)
        yield from _first_page(reading)
        if settings.groups:
            reading.require_groups()
            yield Told("fact", f"{service.host} has {_count(service, GROUPS, settings.groups_filter)} groups")
        else:
            yield Told("note", "groups are not read (`with_groups: false`): nobody is in a group")
    except ConnectorError as error:
        yield Told("problem", failed(error))


def tell_features(service: Service, features: Features) -> Iterator[Told]:
    """What the service says of itself."""
    if features.told:
        yield Told("fact", f"{service.host} answers and lets us in; it offers {features.words()}")
    else:
        yield Told("note", f"{service.host} has no ServiceProviderConfig: nothing optional is used of it")


def failed(error: ConnectorError) -> str:
    """An error as a sentence with its cure."""
    return f"{error.what}: {error.cure}" if error.cure else error.what


def _first_page(reading: Reading) -> Iterator[Told]:
    service, settings = reading.service, reading.settings
    query: dict[str, str | int] = {
        "count": settings.page_size,
        **({"cursor": ""} if reading.by_cursor else {"startIndex": 1}),
    }
    if settings.people_filter:
        query["filter"] = settings.people_filter
    page = read_page(service, USERS, service.ask("GET", USERS, query), totals=not reading.by_cursor)
    got = len(page.resources)
    many = "an untold number of" if page.total is None else f"{page.total:,}"
    yield Told("fact", f"{service.host} has {many} users")
    if page.total == 0:
        yield Told("problem", f"{service.host} shows no user: check what the token may read, and `filter`")
    if page.total is not None and got < min(page.total, settings.page_size):
        yield Told("note", f"a page has {got} users at most, though page_size is {settings.page_size}")
    found = [
        reading.person(user) for user in page.resources if isinstance(user, dict) and isinstance(user.get("id"), str)
    ]
    bad = [one for one in found if isinstance(one, Problem)]
    for problem in bad[:_SHOWN]:
        yield Told("problem", f"{problem.message}: correct it at the service; until then nobody counts as gone")
    if len(bad) > _SHOWN:
        yield Told("problem", f"{len(bad) - _SHOWN} other users of the first {got} cannot be read either")
    if got and not any(isinstance(one, dict) and "email" in one for one in found):
        yield Told(
            "problem", f"none of the first {got} users shows an email: map one with `attributes: {{email: PATH}}`"
        )
    without = sum(isinstance(one, dict) and "email" not in one for one in found)
    if without and without < got:
        yield Told("note", f"{without} of the first {got} users have no email, and so can have no account")


def _count(service: Service, path: str, search_filter: str | None) -> str:
    query: dict[str, str | int] = {"count": 1}
    if search_filter:
        query["filter"] = search_filter
    total = read_page(service, path, service.ask("GET", path, query), totals=False).total
    return "an untold number of" if total is None else f"{total:,}"
