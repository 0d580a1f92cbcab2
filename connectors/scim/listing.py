"""A list that was read whole for certain, or the reason why that cannot be said.

Pages are answers of different moments, and between two of them everything may move. What is proof that nobody was missed:

1. The whole list was one page.
2. Every page told the same total, so many were met, and nobody was created meanwhile. A total that stays, without anybody new,
   means that nobody went; and what stays the same on so many places cannot hide. Who was created is asked by a filter, where
   the service showed that it heeds one.
3. Two passes of this kind, one after the other, that met the same ids. Had somebody who was there all the time been missed by
   both, then one of these ids did not exist at the beginning of the second pass, and did in the first and at the end: ids are
   never given again (RFC 7643, 3.1).

A list by cursor need not tell a total; then only the end of its chain and a second pass speak for it. May not: certify by
less. Further passes ask for ids alone, and fetch who is new one by one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from connectors.errors import UnreadableError
from connectors.keys import Keys
from connectors.scim.pages import Pass, read_page
from connectors.scim.service import NOT_FOUND, OK
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connectors.scim.service import Json, Service

OVERLAP = timedelta(minutes=5)
"""By how much the clocks that stamp resources may differ from the one that stamps answers."""
PASSES = 4
"""One for everything, and so many in all until the list is given up."""
_EPOCH = "1970-01-01T00:00:00Z"
_NEVER = "2999-01-01T00:00:00Z"
_SEVERAL = 200
"""More people than that who appear between two passes are no chance: the list is not one."""


class Listing:
    """Reads one list.

    Args:
        service: who is asked.
        path: `/Users` or `/Groups`.
        search_filter: which resources; None: all.
        size: how many a page shall have.
        by_cursor: whether pages are chained by cursors.
        query: what else the first pass asks with.
    """

    def __init__(
        self,
        service: Service,
        path: str,
        search_filter: str | None,
        size: int,
        *,
        by_cursor: bool,
        query: Mapping[str, str | int] | None = None,
    ) -> None:
        self._service = service
        self.path = path
        self._filter = search_filter
        self._size = size
        self._by_cursor = by_cursor
        self._query = dict(query or {})
        self.ids = Keys()
        """Everybody who was met."""
        self.first = self._pass(self._query)
        self.reason = ""
        """Why the list may not be whole, as a sentence; to be read at the end."""
        self._heeds: bool | None = None

    def resources(self) -> Iterator[Json]:
        """Every resource once.

        Raises:
            ConnectorError: a page could not be read.
        """
        yield from self._all(self.first, 1)
        unnamed = self.first.unnamed
        if not self._proven():
            yield from self._again()
        if unnamed:
            self.reason = (
                self.reason or f"{unnamed} entries of {self.path} have no id, and nobody can tell who they are"
            )

    def heeds_dates(self) -> bool:
        """Whether the service filters by `meta.lastModified`: what is later than the beginning is all, later than never none.

        Raises:
            ConnectorError: it cannot be asked.
        """
        if self._heeds is None:
            some = self.first.total
            self._heeds = bool(some) and self._count(_EPOCH) == some and self._count(_NEVER) == 0
        return self._heeds

    def count(self) -> int | None:
        """How many there are at this moment."""
        return self._total(self._filter)

    def _proven(self) -> bool:
        clean = not self.first.doubt
        if not clean or self.first.total is None:
            return clean and self.first.pages <= 1
        return self.first.pages <= 1 or self._nobody_came()

    def _nobody_came(self) -> bool:
        if self.first.date is None or self.first.total is None:
            return False
        since = (self.first.date - OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._count(since) == 0 and self.heeds_dates() and self.count() == self.first.total

    def _again(self) -> Iterator[Json]:
        """Passes for ids alone, until two in a row are clean and equal."""
        before = self.first
        for number in range(2, PASSES + 1):
            now = self._pass({"attributes": "id"})
            strange = list[str]()
            same = True
            for page in now.pages_read():
                twice = 0
                for one in page:
                    row, new = self.ids.add(one["id"])
                    if new:
                        strange.append(one["id"])
                    same = same and self.ids.marks[row] in {number - 1, number}
                    twice += self.ids.marks[row] == number
                    self.ids.marks[row] = number
                now.repeated(twice, len(page))
            yield from self._fetched(strange)
            if not before.doubt and not now.doubt and same and before.met == now.met:
                return
            before = now
        why = before.doubt or "somebody came or went each time"
        self.reason = f"{self.path} of {self._service.host} could not be read whole in {PASSES} passes: {why}"

    def _all(self, now: Pass, number: int) -> Iterator[Json]:
        for page in now.pages_read():
            twice = 0
            for one in page:
                row, new = self.ids.add(one["id"])
                if new:
                    self.ids.marks[row] = number
                    yield one
                else:
                    twice += 1
            now.repeated(twice, len(page))

    def _fetched(self, ids: list[str]) -> Iterator[Json]:
        if len(ids) > _SEVERAL:
            raise UnreadableError(
                f"{self.path} of {self._service.host} showed {len(ids):,} others when it was read again",
                where=self._service.host,
                cure="read again when less is changed at a time, or with larger pages",
            )
        for one in ids:
            reply = self._service.ask("GET", f"{self.path}/{quote(one, safe='')}", self._query)
            if reply.status == OK and reply.body is not None and reply.body.get("id") == one:
                yield reply.body
            elif reply.status != NOT_FOUND:
                raise UnreadableError(
                    f"{self._service.host} lists {shown(one)} and answers {reply.detail} when it is asked for it",
                    where=self._service.host,
                )

    def _pass(self, query: Mapping[str, str | int]) -> Pass:
        asked = dict(query)
        if self._filter:
            asked["filter"] = self._filter
        return Pass(self._service, self.path, asked, self._size, by_cursor=self._by_cursor)

    def _count(self, since: str) -> int | None:
        wanted = f'meta.lastModified ge "{since}"'
        return self._total(f"({self._filter}) and {wanted}" if self._filter else wanted)

    def _total(self, search_filter: str | None) -> int | None:
        """How many a filter finds; None where the service does not answer it."""
        query: dict[str, str | int] = {"count": 1}
        if search_filter:
            query["filter"] = search_filter
        reply = self._service.ask("GET", self.path, query)
        return read_page(self._service, self.path, reply, totals=False).total if reply.status == OK else None
