"""Searches: paged to the end, streamed, logged, and whole or not.

A search is whole when every page ended with result 0 and the last cookie was empty, and no reference pointed elsewhere.
Everything else raises at its end, after handing over what came. May not: follow a referral, or go on at another server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from connectors.errors import PermanentError
from connectors.ldap.certificates import IncompleteError, result_reason
from connectors.ldap.commands import command
from connectors.ldap.library import (
    LDAPExceptionError,
    escape_filter_chars,
    paged_search_control,
    search_operation,
)
from connectors.ldap.names import escaped
from connectors.ldap.session import failure
from connectors.ldap.wire import Entry, WireError
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from connectors.ldap.session import Session
    from connectors.ldap.stream import Decode

PAGED: Final = "1.2.840.113556.1.4.319"
"""The paged results control (RFC 2696)."""
Control = tuple[str, bool, bytes | None]
"""OID, whether the server must know it, and its value."""
DOMAIN_SCOPE: Final[Control] = ("1.2.840.113556.1.4.1339", False, None)
"""No references to the trees below (MS-ADTS 3.1.1.3.4.1.4): for who looks into each tree on its own, or wants this one only."""
_SCOPES = {"base": "BASE", "one": "LEVEL", "sub": "SUBTREE"}
_OWN_PARTITION = re.compile(
    r"ldaps?://[^/]*/(CN=Configuration|DC=DomainDnsZones|DC=ForestDnsZones)(,DC=[^,/?]+)+(\?.*)?", re.IGNORECASE
).fullmatch
"""What an Active Directory domain refers to in every search of all of it: its own settings, where nobody is a person."""
_ENDS = re.compile(r"^\s+|\s+$")
_EMPTY_PAGES = 1000
_REFERENCES = 3


class Searcher:
    """Asks one server.

    Args:
        session: the bound connection.
        log: told each search as an `ldapsearch` command, before it is sent.
        page_size: entries in a page; 0: the server is asked for everything at once.
    """

    def __init__(self, session: Session, log: Callable[[str], None], page_size: int = 1000) -> None:
        self.session = session
        self._log = log
        self._page_size = page_size

    def entries(
        self,
        base: str,
        search_filter: str,
        attributes: Sequence[str],
        *,
        scope: str = "sub",
        page_size: int | None = None,
        types_only: bool = False,
        controls: Sequence[Control] = (),
        ahead: bool = False,
    ) -> Iterator[Entry]:
        """Every entry of a search.

        Args:
            base: where to begin.
            search_filter: RFC 4515, values escaped.
            attributes: what to ask for.
            scope: `base`, `one` or `sub`.
            page_size: None: the searcher's.
            types_only: give the attributes without their values.
            controls: what goes with every page.
            ahead: let the server work on the next page while this one is taken apart: for small entries, since it is kept.

        Raises:
            IncompleteError: at the end: the server did not give everything.
            ConnectorError: the connection broke.
        """
        size = self._page_size if page_size is None else page_size
        if scope == "base":
            size = 0
        servers, url = self.session.servers, self.session.url
        self._log(
            command(servers, url, base, search_filter, attributes, scope=scope, page_size=size, types_only=types_only)
        )
        request = _request(base, search_filter, attributes, scope, 0, types_only=types_only)
        try:
            yield from self._pages(base, request, size, controls, ahead=ahead)
        except (LDAPExceptionError, WireError) as error:
            raise failure(error, url) from error

    def read(self, dn: str, attributes: Sequence[str], search_filter: str = "(objectClass=*)") -> Entry | None:
        """One entry by its name; None when it is not there, or not for us."""
        try:
            return next(iter(list(self.entries(dn, search_filter, attributes, scope="base"))), None)
        except IncompleteError as error:
            if error.code in {32, 34}:
                return None
            raise

    def exists(self, base: str, search_filter: str) -> bool:
        """Whether anything matches.

        Raises:
            IncompleteError: the server did not say.
            ConnectorError: the connection broke.
        """
        return bool(self.some(base, search_filter, ("1.1",), 1))

    def some(self, base: str, search_filter: str, attributes: Sequence[str], most: int) -> list[Entry]:
        """Any entries of a search, so many at most. That there are more, or that a limit cut them off, is no error.

        Raises:
            IncompleteError: there are none, because the server did not say.
            ConnectorError: the connection broke.
        """
        session = self.session
        try:
            number = self.begin(base, search_filter, attributes, None, most)
            *answers, done = session.strategy.answers(number, session.servers.page_timeout)
        except (LDAPExceptionError, WireError) as error:
            raise failure(error, session.url) from error
        found = [answer for answer in answers if isinstance(answer, Entry)]
        result = cast("dict[str, Any]", done)
        if result["result"] and not found:
            raise IncompleteError(search_reasons(result, base, 0, []), result["result"])
        return found

    def answers(
        self, base: str, search_filter: str, attributes: Sequence[str], control: Control, decode: Decode
    ) -> Iterator[Any]:
        """Everything that answers a search without pages, its searchResDone last; what it means is the caller's to say.

        Raises:
            ConnectorError: the connection broke.
        """
        try:
            number = self.begin(base, search_filter, attributes, control)
            yield from self.session.strategy.answers(number, self.session.servers.page_timeout, decode)
        except (LDAPExceptionError, WireError) as error:
            raise failure(error, self.session.url) from error

    def begin(
        self, base: str, search_filter: str, attributes: Sequence[str], control: Control | None, most: int = 0
    ) -> int:
        """Send a search without pages, for so many entries at most (0: all); the number under which its answers come."""
        servers, url = self.session.servers, self.session.url
        self._log(command(servers, url, base, search_filter, attributes, scope="sub", page_size=0, most=most))
        request = _request(base, search_filter, attributes, "sub", most)
        return cast("int", self.session.strategy.send("searchRequest", request, [control] if control else None))

    def _pages(self, base: str, request: Any, size: int, more: Sequence[Control], *, ahead: bool) -> Iterator[Entry]:
        met = empty = 0
        references: list[str] = []
        strategy, seconds = self.session.strategy, self.session.servers.page_timeout
        number: int | None = self._ask(request, size, b"", more)
        while number is not None:
            before, following = met, None
            answers, done = (
                strategy.page(number, seconds) if ahead and size else (strategy.answers(number, seconds), None)
            )
            if done and (cookie := _cookie(done)):
                following = self._ask(request, size, cookie, more)
            for answer in answers:
                if answer.__class__ is Entry:
                    met += 1
                    yield answer
                elif (other := cast("dict[str, Any]", answer))["type"] == "searchResRef":
                    references += [] if all(map(_OWN_PARTITION, other["uri"])) else other["uri"]
                else:
                    done = other
            assert done is not None, "the last of the answers"
            if done["result"]:
                raise IncompleteError(search_reasons(done, base, met, references), done["result"])
            empty = 0 if met > before else empty + 1
            if size and (why := _cut_off(done, empty, base)):
                raise IncompleteError([*_pointing(references, base), why])
            if not following and size and (cookie := _cookie(done)):
                following = self._ask(request, size, cookie, more)
            number = following
        if references:
            raise IncompleteError(_pointing(references, base))

    def _ask(self, request: Any, size: int, cookie: bytes, more: Sequence[Control]) -> int:
        controls = [*more, *([paged_search_control(True, size, cookie)] if size else ())] or None
        return cast("int", self.session.strategy.send("searchRequest", request, controls))


def _cookie(done: Mapping[str, Any]) -> bytes:
    """From where the next page begins; empty when there is none, or nothing more is to be asked."""
    control = (done.get("controls") or {}).get(PAGED)
    return cast("bytes", control["value"]["cookie"]) if control and not done["result"] else b""


def _cut_off(done: Mapping[str, Any], empty: int, base: str) -> str:
    """Why a page with result 0 is not the end and yet nothing follows."""
    if PAGED not in (done.get("controls") or {}):
        return f"the server did not say whether more follows below {shown(base)}"
    return f"the server sent {empty} empty pages in a row for the search below {shown(base)}" * (empty > _EMPTY_PAGES)


def _request(
    base: str, search_filter: str, attributes: Sequence[str], scope: str, limit: int, *, types_only: bool = False
) -> Any:
    try:
        return search_operation(
            base, search_filter, _SCOPES[scope], "NEVER", list(attributes), limit, 0, types_only, False, False
        )
    except LDAPExceptionError as error:
        raise PermanentError(
            f"the filter {search_filter} cannot be read: {error}", where=base, cure="correct the filter"
        ) from error


def any_of(attribute: str, values: Iterable[str | bytes]) -> str:
    """A filter for the entries with one of these values."""
    clauses = "".join(f"({attribute}={_value(value)})" for value in values)
    return f"(|{clauses})"


def _value(value: str | bytes) -> str:
    """As it stands in a filter; ldap3 takes white space off its ends unless it is escaped."""
    return _ENDS.sub(lambda space: escaped(space[0].encode()), escape_filter_chars(value))


def search_reasons(done: Mapping[str, Any], base: str, met: int, references: list[str]) -> list[str]:
    """Why a search that ended so did not give everything."""
    message = done.get("message") or ""
    if done.get("referrals"):
        message = ", ".join(done["referrals"])
    return [result_reason(done["result"], base, met, message), *_pointing(references, base)]


def _pointing(references: list[str], base: str) -> list[str]:
    if not references:
        return []
    named = ", ".join(references[:_REFERENCES]) + (
        f" and {len(references) - _REFERENCES} more" * (len(references) > _REFERENCES)
    )
    told = (
        f"below {shown(base)} the server refers to other servers for a part of the directory ({named}), and we do not go "
        "there: name a server that holds everything, or a base that is all its own"
    )
    return [told]
