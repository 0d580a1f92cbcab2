"""Requests to one SCIM service, and its answers as they came. What an answer means for people is decided elsewhere.

May not: follow a redirect, repeat what may have been done, or name a token in an error.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import orjson

from connectors.errors import PermanentError, RefusedError, RetryableError, UnreadableError
from connectors.http import Http, require_safe
from connectors.scim.auth import Authorization
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from connectors.http import Answer
    from connectors.scim.settings import Access

Json = dict[str, Any]

OK, CREATED, NO_CONTENT = 200, 201, 204
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404
CONFLICT, CHANGED, TOO_LARGE, NOT_IMPLEMENTED = 409, 412, 413, 501
_SERVER_ERROR = 500
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
_MEDIA = "application/scim+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service that is no refusal of ourselves and no failure of its own."""

    status: int
    body: Json | None
    etag: str | None = None
    date: datetime | None = None
    """What time it is at the service, by its own clock."""

    @property
    def ok(self) -> bool:
        """Whether what was asked for was done."""
        return OK <= self.status < 300  # noqa: PLR2004 - the class of success

    @property
    def scim_type(self) -> str:
        """The keyword of an error (RFC 7644, 3.12): `uniqueness`, `noTarget`, …; empty where there is none."""
        return str((self.body or {}).get("scimType") or "")

    @property
    def detail(self) -> str:
        """What the service says of it, as a part of a sentence."""
        said = (self.body or {}).get("detail")
        words = [self.scim_type, shown(said) if isinstance(said, str) and said else ""]
        return f"{self.status} {' '.join(filter(None, words))}".strip()


class Service:
    """One SCIM service.

    Args:
        access: where it is, and who we are.
        log: told each request, without its body.
        sleep: seconds; to be replaced in tests.
        clock: the time (aware, UTC).
    """

    def __init__(
        self,
        access: Access,
        log: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = access.url.rstrip("/")
        self._log = log
        self._http = Http(
            access.timeout,
            access.tries,
            access.largest_answer,
            sleep,
            clock,
            trust=_trusted(access.ca_file),
            longest=access.longest,
            pace=access.pace,
        )
        self._authorization = Authorization(access.auth, self._http)
        self._largest = access.largest_answer

    def __enter__(self) -> Self:
        """Itself; its connections are closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.__exit__(None, None, None)

    @property
    def host(self) -> str:
        """Whom errors name."""
        return require_safe(self.url)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Json | None = None,
        if_match: str | None = None,
    ) -> Reply:
        """One request.

        Args:
            method: GET, POST, PUT, PATCH or DELETE. POST and PATCH are not repeated when their answer was lost.
            path: below the base: `/Users`.
            query: its parameters.
            body: of the request.
            if_match: the version that the resource must still have.

        Raises:
            LostError: it may have been done.
            RetryableError: the service cannot be reached, asks for time, or failed.
            RefusedError: it does not let us in.
            UnreadableError: the answer is no JSON object, or too large.
            PermanentError: the address cannot work.
        """
        address = self.url + path
        if query:
            address += "?" + urlencode(query, quote_via=quote)
        self._log(f"{method} {address}")
        content = orjson.dumps(body) if body is not None else b""
        headers = {"accept": f"{_MEDIA}, application/json;q=0.9"}
        if body is not None:
            headers["content-type"] = _MEDIA
        if if_match is not None:
            headers["if-match"] = if_match
        answer = self._call(method, address, content, headers)
        if answer.status == UNAUTHORIZED and self._authorization.renew():
            answer = self._call(method, address, content, headers)
        return self._reply(answer, path)

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Reply:
        """A resource or a list that has to be there.

        Raises:
            PermanentError: it is not.
            ConnectorError: as in `ask`.
        """
        reply = self.ask("GET", path, query)
        if reply.status == FORBIDDEN:
            raise self._refused(path, reply)
        if reply.status != OK or reply.body is None:
            raise PermanentError(
                f"{self.host} answered {reply.detail} to GET {path}",
                where=self.host,
                cure="check the url (it ends before /Users) and what the token may read",
            )
        return reply

    def _refused(self, path: str, reply: Reply) -> RefusedError:
        return RefusedError(
            f"{self.host} refused {path}: it answered {reply.detail}",
            where=self.host,
            cure="check the token, and what it may read and do",
        )

    def _call(self, method: str, address: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        told = {**headers, **self._authorization.headers()}
        return self._http.call(method, address, content=content, headers=told, repeatable=method in _REPEATABLE)

    def _reply(self, answer: Answer, path: str) -> Reply:
        if not answer.whole:
            raise UnreadableError(
                f"{self.host} answered with more than {self._largest:,} bytes to {path}",
                where=self.host,
                cure="lower page_size",
            )
        body = self._parsed(answer, path)
        reply = Reply(answer.status, body, _etag(answer, body), _date(answer))
        if answer.status == UNAUTHORIZED:
            raise self._refused(path, reply)
        if answer.status >= _SERVER_ERROR and answer.status != NOT_IMPLEMENTED:
            raise RetryableError(
                f"{self.host} failed at {path}: it answered {reply.detail}", where=self.host, cure="try again later"
            )
        return reply

    def _parsed(self, answer: Answer, path: str) -> Json | None:
        if answer.status == NO_CONTENT or not answer.content.strip():
            return None
        try:
            body = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            body = None
        if isinstance(body, dict):
            return body
        if answer.status not in {OK, CREATED}:
            return None
        raise UnreadableError(
            f"{self.host} answered {path} with what is no JSON object",
            where=self.host,
            cure="check the url: a login page answers like this, and so does a connection that is cut",
        )


def _trusted(ca_file: str | None) -> ssl.SSLContext | None:
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise PermanentError(
            f"ca_file cannot be read ({error.strerror or type(error).__name__})",
            where=ca_file,
            cure="name a PEM file with the authority's certificate",
        ) from None


def _etag(answer: Answer, body: Json | None) -> str | None:
    meta = (body or {}).get("meta")
    version = meta.get("version") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else answer.headers.get("etag")


def _date(answer: Answer) -> datetime | None:
    try:
        at = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
