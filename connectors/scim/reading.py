"""One read of people and groups, whole or of what changed. A generator of records that ends with what speaks against them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from connectors.errors import CursorError, PermanentError
from connectors.keys import NOBODY, Keys
from connectors.model import Certificate, Problem, Record, normalise_name, nothing_known
from connectors.scim.cursor import Cursor, mark
from connectors.scim.features import Features, features_of
from connectors.scim.groups import Groups
from connectors.scim.listing import OVERLAP, Listing
from connectors.scim.pages import read_page
from connectors.scim.people import BadResourceError, PeopleReader
from connectors.scim.service import NOT_FOUND, NOT_IMPLEMENTED
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connectors.model import Known, RecordKind
    from connectors.scim.service import Json, Service
    from connectors.scim.settings import SourceSettings

USERS, GROUPS = "/Users", "/Groups"
_DIGEST = 16


@dataclass(slots=True)
class Reading:
    """Reads one service once.

    Args:
        service: who is asked.
        settings: what is read.
    """

    service: Service
    settings: SourceSettings
    people: PeopleReader = field(init=False)
    features: Features = field(init=False)
    problems: list[Problem] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    met: int = 0
    groups: Groups | None = None
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        self.people = PeopleReader(self.settings.attributes)
        self.features = features_of(self.service)

    def everything(self, known: Known) -> Iterator[Record]:
        """Every person that is not known already, then every group.

        Raises:
            ConnectorError: something could not be read.
        """
        users = self._listing(USERS, self.settings.people_filter)
        groups = Groups(self.service, users.ids, nested=self.settings.nested)
        self.groups = groups
        for user in users.resources():
            groups.claimed(user)
            yield from self._person(user, known)
        self._doubt(users)
        listed = None
        if self.settings.groups:
            self.require_groups()
            listed = self._listing(GROUPS, self.settings.groups_filter)
            for group in listed.resources():
                groups.take(group)
            self._doubt(listed)
            yield from groups.records()
        if self.settings.tells_changes and self.certificate().certified and not groups.frozen:
            self.cursor = self._begin(users, listed)

    def changes(self, since: Cursor, known: Known) -> Iterator[Record]:
        """The people and groups that were made or changed since.

        Raises:
            CursorError: somebody went, or the clock of the service was set back.
            ConnectorError: something could not be read.
        """
        users = self._changed(USERS, self.settings.people_filter, since)
        changed = list(users.resources())
        self._doubt(users)
        people = since.people + _new("person", changed, known)
        for user in changed:
            yield from self._person(user, nothing_known)
        groups = since.groups
        if self.settings.groups:
            self.require_groups()
            listed = self._changed(GROUPS, self.settings.groups_filter, since)
            touched = list(listed.resources())
            self._doubt(listed)
            groups += _new("group", touched, known)
            if touched:
                yield from self._every_group(users.ids, known)
            if not self.reasons:
                self._require_nobody_gone(GROUPS, self.settings.groups_filter, groups)
        if not self.reasons:
            self._require_nobody_gone(USERS, self.settings.people_filter, people)
        date = users.first.date
        if date is None or date < since.since:
            raise CursorError("the service's clock was set back, or it does not tell the time any more")
        self.cursor = Cursor(since.url, since.settings, date - OVERLAP, people, groups)

    def certificate(self) -> Certificate:
        """The statement about what was read."""
        groups = self.groups
        problems = (*self.problems, *(groups.problems if groups else ()))
        return Certificate(
            self.met,
            len({normalise_name(name) for name in groups.names}) if groups else 0,
            problems,
            tuple(self.reasons),
            frozenset(groups.frozen if groups else ()),
            tuple(groups.notes if groups else ()),
        )

    def person(self, user: Json) -> dict[str, Any] | Problem:
        """A user's attributes, or why there are none."""
        try:
            return dict(self.people.attributes(user))
        except BadResourceError as error:
            name = user.get("userName")
            called = f" ({shown(name)})" if isinstance(name, str) else ""
            email = name if isinstance(name, str) and "@" in name else None
            return Problem(f"user {shown(user['id'])}{called}: {error.reason}", external_id=user["id"], email=email)

    @property
    def by_cursor(self) -> bool:
        """Whether pages are chained by cursors."""
        if self.settings.paging == "auto":
            return self.features.cursor
        return self.settings.paging == "cursor"

    def _person(self, user: Json, known: Known) -> Iterator[Record]:
        self.met += 1
        version = hashlib.blake2b(orjson.dumps(user) + self.people.by, digest_size=_DIGEST).digest()
        if known("person", user["id"], version):
            return
        made = self.person(user)
        if isinstance(made, Problem):
            self.met -= 1
            self.problems.append(made)
        else:
            yield Record("person", user["id"], made, version)

    def _listing(self, path: str, search_filter: str | None) -> Listing:
        size = self.settings.page_size if path == USERS else self.settings.groups_page_size
        size = min(size, self.features.largest_page or size)
        return Listing(self.service, path, search_filter, size, by_cursor=self.by_cursor)

    def _changed(self, path: str, search_filter: str | None, since: Cursor) -> Listing:
        wanted = f"({search_filter}) and {since.filter}" if search_filter else since.filter
        return self._listing(path, wanted)

    def _doubt(self, listing: Listing) -> None:
        if listing.reason:
            self.reasons.append(listing.reason)

    def require_groups(self) -> None:
        """A service that had groups yesterday and has none today must not look like one whose groups were all deleted."""
        reply = self.service.ask("GET", GROUPS, {"count": 1})
        if reply.status in {NOT_FOUND, NOT_IMPLEMENTED}:
            raise PermanentError(
                f"{self.service.host} has no groups: it answered {reply.detail} to GET {GROUPS}",
                where=self.service.host,
                cure="write `with_groups: false` when it shall be read without groups",
            )
        read_page(self.service, GROUPS, reply, totals=False)

    def _begin(self, users: Listing, groups: Listing | None) -> Cursor | None:
        """From where changes can be told; None where the service does not filter by date, or tells no time."""
        date, people = users.first.date, users.first.total
        if date is None or people is None or not users.heeds_dates():
            return None
        there = groups.first.total if groups else 0
        if there is None or (groups and there and not groups.heeds_dates()):
            return None
        return Cursor(self.service.url, mark(self.settings.fingerprint()), date - OVERLAP, people, there)

    def _require_nobody_gone(self, path: str, search_filter: str | None, expected: int) -> None:
        """Changes do not tell who is gone, but the number does."""
        now = self._listing(path, search_filter).count()
        if now != expected:
            told = "an untold number" if now is None else f"{now:,}"
            raise CursorError(f"{path} are {told} and should be {expected:,}: somebody went")

    def _every_group(self, ids: Keys, known: Known) -> Iterator[Record]:
        """When any group changed all are read: which others it is in, nobody tells."""

        def acquaint(members: Iterable[str]) -> None:
            strange = [one for one in members if ids.row(one) == NOBODY]
            for one in known.held("person", strange) if strange else ():
                ids.add(one)

        groups = Groups(self.service, ids, nested=self.settings.nested, acquaint=acquaint)
        self.groups = groups
        listed = self._listing(GROUPS, self.settings.groups_filter)
        for group in listed.resources():
            groups.take(group)
        self._doubt(listed)
        yield from groups.records()
        self.reasons += [
            f"group {shown(name)} changed and was not read whole: {why}" for name, why in groups.frozen.items()
        ]
        groups.frozen.clear()


def _new(kind: RecordKind, found: Sequence[Json], known: Known) -> int:
    """How many of them the reader does not hold."""
    return len(found) - len(known.held(kind, [one["id"] for one in found]))
