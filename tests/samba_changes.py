"""A unit of its own on the shared Samba, with people and groups, and a reader that follows it by its changes."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from connectors.ldap.settings import Bind, Groups, People, Servers, Settings
from connectors.ldap.source import LdapSource
from tests.ldap_changes import Follower, Told
from tests.samba import ADMIN, PASSWORD, Samba


def display(told: Told) -> set[object]:
    """Whose records were handed over."""
    return {one.attributes["display_name"] for one in told.records}


def lost(told: Told) -> set[str]:
    """Who is gone."""
    return {one.external_id for one in told.gone}


def altered(cursor: str | None, **parts: object) -> str:
    """A cursor with other parts."""
    return json.dumps(json.loads(cursor or "") | parts)


class Place:
    """A unit with two people and a group in a group, one outside, and a reader of it."""

    def __init__(self, samba: Samba, user: str = ADMIN, **people: Any) -> None:
        self.samba = samba
        self.unit, self.other = samba.unit(), samba.unit()
        self.anna, self.bob = (samba.person(self.unit, name) for name in ("anna", "bob"))
        self.guest = samba.person(self.other, "guest")
        self.inner = samba.group(self.unit, "Inner", [self.anna, self.guest])
        self.outer = samba.group(self.unit, "Outer", [self.inner])
        servers = Servers((samba.ldaps_url,), Bind("simple", user, lambda: PASSWORD), ca_file=str(samba.ca_file))
        self.lines: list[str] = []
        settings = Settings(servers, People(self.unit, **people), Groups(self.unit))
        self.source = LdapSource("ad", settings, log=self.lines.append)
        self.reader = Follower(self.source)

    @property
    def feed(self) -> str:
        """What the last full read chose."""
        return str(json.loads(self.reader.cursor or "")["feed"])

    def key(self, dn: str) -> str:
        return str(uuid.UUID(bytes_le=self.samba.read(dn, "objectGUID")["objectguid"][0]))

    def poll_in(self, searches: int, before: Callable[[], object] = lambda: None) -> Told:
        """A poll that takes so many searches, given that nobody else writes to the shared controller meanwhile.

        Args:
            searches: how many it should take; after a minute of tries the last one counts.
            before: what is done right before each try.
        """
        deadline = time.monotonic() + 60
        while True:
            before()
            self.lines.clear()
            told = self.reader.poll()
            if len(self.lines) == searches or time.monotonic() > deadline:
                return told
