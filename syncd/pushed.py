"""What identity providers push by SCIM, as a source like any other: `type: scim_push`.

Nothing is fetched: the service provider keeps what was pushed in our own store, so each read is whole. A user that cannot be
understood is handed over without an address, which isolates that one person and nobody else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Final

from sqlalchemy import Engine

from connectors.errors import CursorError
from connectors.model import Certificate, Gone, Known, Record, Value, nothing_known
from connectors.scim.people import BadResourceError, PeopleReader
from scim import feed
from scim.feed import Change
from scim.moments import Clock, text_of, utc_now
from scim.provisioning import Provisioning, note_provisioning
from syncd.core.standing import Standing
from syncd.store.engine import writing
from syncd.store.stirring import Stirring

_LOOKS_EVERY: Final = 0.2
"""Seconds between two looks whether something was pushed: one look is one row of an index."""


class PushedSource:
    """One tenant's people and groups.

    Args:
        name: the source's name in the configuration, which is the tenant's.
        store: where the service provider keeps them.
        clock: the present moment.
        sleep: seconds; to be replaced in tests.
    """

    def __init__(
        self, name: str, store: Engine, clock: Clock = utc_now, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = name
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._reader = PeopleReader({})
        self._heard = 0
        self._stirring = Stirring(store)

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream everybody who is not deleted, then every group, then the certificate."""
        upto = feed.newest(self._store, self.name)  # what is pushed meanwhile comes again with the next read
        people = groups = 0
        for user in feed.everybody(self._store, self.name, "User"):
            if _is_nobody(user):
                continue
            people += 1
            if not known("person", user.id, self._version(user)):
                yield self._person(user)
        for group in feed.everybody(self._store, self.name, "Group"):
            groups += 1
            yield self._group(group)
        yield Certificate(people, groups, cursor=str(upto))

    def changes(self, cursor: str, known: Known) -> Iterator[Record | Gone | Certificate]:
        """Stream who changed since, and who was deleted, then the certificate.

        Raises:
            CursorError: the store is older than the cursor.
        """
        del known
        since, upto = int(cursor), feed.newest(self._store, self.name)
        if since > upto:
            raise CursorError(f"the store has changes up to {upto} only, and the last read was at {since}")
        people = 0
        touched: dict[str, None] = {}
        for change in feed.changes(self._store, self.name, since):
            if change.kind == "Group":
                touched |= dict.fromkeys([change.id, *self._above(change.id)])
            elif change.gone or _is_nobody(change):
                yield Gone("person", change.id)
            else:
                people += 1
                yield self._person(change)
        groups = 0
        for group in feed.some(self._store, self.name, touched):
            groups += 1
            yield Gone("group", group.id) if group.gone else self._group(group)
        yield Certificate(people, groups, cursor=str(upto))

    def watch(self, seconds: float) -> bool:
        """Wait until something is pushed, so long at most; True when something was since the last call that said so."""
        end = time.monotonic() + seconds
        latest = feed.latest(self._store, self.name)
        while latest <= self._heard and time.monotonic() < end:
            self._sleep(_LOOKS_EVERY)
            if self._stirring():
                latest = feed.latest(self._store, self.name)
        pushed = latest > self._heard
        self._heard = latest
        return pushed

    def stamp(self) -> str:
        """Another one whenever something was pushed."""
        return f"{feed.latest(self._store, self.name)} {self._by.hex()}"

    def check(self) -> Iterator[str]:
        """Nothing can be wrong with what stands in our own store."""
        return iter(())

    def tell(self, people: Mapping[str, Standing]) -> None:
        """Let the identity provider read how it stands with these users (by id)."""
        at = text_of(self._clock())
        rows = [
            Provisioning(external_id, one.state, one.reason or None, one.fluix_id, one.invitation, at)
            for external_id, one in people.items()
        ]
        with writing(self._store) as connection:
            note_provisioning(connection, self.name, rows)

    @cached_property
    def _by(self) -> bytes:
        return hashlib.blake2b(self._reader.by, digest_size=8).digest()

    def _version(self, user: Change) -> bytes:
        return hashlib.blake2b(f"{user.id} {user.changed}".encode(), key=self._by, digest_size=16).digest()

    def _person(self, user: Change) -> Record:
        attributes: dict[str, Value]
        try:
            attributes = self._reader.attributes(user.document)
        except BadResourceError:
            attributes = {"user_name": str(user.document.get("userName", "")), "active": user.active}
        return Record("person", user.id, attributes, self._version(user))

    def _group(self, group: Change) -> Record:
        members = tuple(sorted(self._people_in(group.id)))
        name = str(group.document.get("displayName") or group.id)
        return Record("group", group.id, {"display_name": name, "members": members})

    def _people_in(self, group: str) -> set[str]:
        """Everybody in a group, at any depth; groups that are members of each other count once."""
        found: set[str] = set()
        met, waiting = {group}, [group]
        while waiting:
            for member, kind in feed.members_of(self._store, self.name, waiting.pop()):
                if kind == "User":
                    found.add(member)
                elif member not in met:
                    met.add(member)
                    waiting.append(member)
        return found

    def _above(self, group: str) -> set[str]:
        """The groups in which a group is, at any depth."""
        met, waiting = set[str](), [group]
        while waiting:
            new = set(feed.groups_of(self._store, self.name, waiting.pop())) - met
            met |= new
            waiting += new
        return met


def _is_nobody(user: Change) -> bool:
    """Whether no mail can ever reach this user (RFC 2606, section 2): it was made by `syncd scim doctor`."""
    return str(user.document.get("userName", "")).lower().endswith(".invalid")
