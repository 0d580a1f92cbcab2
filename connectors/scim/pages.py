"""One pass over a list, page after page, by index (RFC 7644, 3.4.2.4) or by cursor (RFC 9865).

A pass ends clean when the list ended, its total never changed, and exactly as many resources were met, none of them twice.
What a clean pass proves, and what not, is `listing`'s affair. May not: take a page for the end because it is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.errors import RetryableError, UnreadableError
from connectors.scim.service import BAD_REQUEST, NOT_FOUND, OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from connectors.scim.service import Json, Reply, Service

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_EMPTY_PAGES = 10
"""So many pages in a row may be empty though a cursor goes on from them; then the chain counts as endless."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, its shape checked."""

    resources: list[Any]
    total: int | None
    next_cursor: str | None
    date: datetime | None


class Pass:
    """One pass over one list.

    Args:
        service: who is asked.
        path: the list: `/Users`.
        query: what every page is asked for with (filter, attributes).
        size: how many resources a page shall have.
        by_cursor: whether pages are chained by cursors.
    """

    def __init__(
        self, service: Service, path: str, query: Mapping[str, str | int], size: int, *, by_cursor: bool
    ) -> None:
        self._service = service
        self._path = path
        self._query = query
        self._size = size
        self._by_cursor = by_cursor
        self.total: int | None = None
        """As the first page said; None where a cursor's list does not say it."""
        self.met = 0
        self.pages = 0
        """Those with resources."""
        self.date: datetime | None = None
        """The service's time before the first page was put together, or shortly after."""
        self.doubt = ""
        """Why this pass may not have met everybody, as a part of a sentence; empty: no reason."""
        self.unnamed = 0
        """How many resources had no id."""
        self._stale = False
        self._behind = False

    def pages_read(self) -> Iterator[list[Json]]:
        """The resources that have an id, one page after the other.

        The caller says by `repeated` what it met before in the same pass.

        Raises:
            ConnectorError: a page could not be read.
        """
        yield from self._chained() if self._by_cursor else self._counted()
        if not self.doubt and self.total is not None and self.met != self.total:
            self.doubt = f"{self.met:,} of {self.total:,} were met"

    def repeated(self, count: int, of: int) -> None:
        """So many of the last page's resources were met before in this pass."""
        self._stale = of > 0 and count == of
        if self._behind:
            if not self._stale:
                self._doubt("there are more than its total says")
        elif count:
            self._doubt("some were met twice: the list moved between its pages")

    def _counted(self) -> Iterator[list[Json]]:
        while True:
            reply = self._service.ask(
                "GET", self._path, {**self._query, "startIndex": self.met + 1, "count": self._size}
            )
            if self.met and self.met == self.total and reply.status in {BAD_REQUEST, NOT_FOUND}:
                return  # behind the end some services refuse what others answer with nothing
            page = self._page(reply)
            if not page.resources:
                return
            # Behind the end some give what they gave before; whoever is new there speaks against the total.
            self._behind = self.pages > 0 and self.met == self.total
            yield self._take(page)
            if self._behind:
                return
            if self._stale:
                self._doubt("a page brought nobody new: startIndex is not heeded")
                return

    def _chained(self) -> Iterator[list[Json]]:
        cursor, seen, empty = "", {""}, 0
        while True:
            page = self._page(
                self._service.ask("GET", self._path, {**self._query, "cursor": cursor, "count": self._size})
            )
            if page.resources:
                yield self._take(page)
            empty = 0 if page.resources else empty + 1
            if not page.next_cursor:
                return
            cursor = page.next_cursor
            if cursor in seen or self._stale or empty > _EMPTY_PAGES:
                self._doubt("its cursors go round and never end")
                return
            seen.add(cursor)

    def _take(self, page: Page) -> list[Json]:
        if not self._behind:
            self.pages += 1
            self.met += len(page.resources)
        whole = [
            one for one in page.resources if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]
        ]
        self.unnamed += len(page.resources) - len(whole)
        return whole

    def _page(self, reply: Reply) -> Page:
        page = read_page(self._service, self._path, reply, totals=not self._by_cursor)
        if self.date is None:
            self.date = page.date
        if self.total is None and not self.pages:
            self.total = page.total
        elif page.total != self.total:
            self._doubt(f"its total changed from {self.total} to {page.total} while it was read")
        return page

    def _doubt(self, why: str) -> None:
        self.doubt = self.doubt or why


def read_page(service: Service, path: str, reply: Reply, *, totals: bool = True) -> Page:
    """A page, its shape checked.

    Args:
        service: who answered.
        path: what was asked for.
        reply: the answer.
        totals: whether it has to say how many there are in all.

    Raises:
        UnreadableError: it is no list.
        RetryableError: its cursor came to its end.
        ConnectorError: it is an error.
    """
    body = reply.body
    if reply.status != OK or body is None:
        if reply.scim_type in {"expiredCursor", "invalidCursor"}:
            raise RetryableError(
                f"{service.host} does not know its cursor any more: {reply.detail}",
                where=service.host,
                cure="read again; with smaller pages the list is through sooner",
            )
        raise UnreadableError(
            f"{service.host} answered {reply.detail} to GET {path}",
            where=service.host,
            cure="check the url (it ends before /Users), the filter, and what the token may read",
        )
    total, resources, schemas = body.get("totalResults"), body.get("Resources"), body.get("schemas")
    if resources is None:
        resources = []
    wrong = ""
    if isinstance(schemas, list) and schemas and LIST not in schemas:
        wrong = "has other schemas"
    elif not isinstance(resources, list):
        wrong = "has no list of Resources"
    elif not _is_count(total) and (totals or total is not None):
        wrong = "does not say how many there are (totalResults)"
    if wrong:
        raise UnreadableError(
            f"{service.host} answered {path} with what is no ListResponse: it {wrong}",
            where=service.host,
            cure="check the url: it has to be that of a SCIM 2.0 service",
        )
    cursor = body.get("nextCursor")
    return Page(resources, total, cursor if isinstance(cursor, str) else None, reply.date)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
