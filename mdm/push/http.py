"""Calls to one product: they end in time, go to one host only, repeat what may be repeated, and tell no secret.

Redirects are not followed: they would carry the key elsewhere. No error names more of an address than its host, and each
is raised without the one that it came from, which holds the whole request. httpx's lines of each address are taken out of
the log.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import httpx

from mdm.errors import MdmError
from mdm.push.base import ChangedError, LostError, PushError

LIMIT: Final = 4 << 20
"""Bytes of an answer that are read at most."""
_LONGEST_WAIT: Final = 60.0
"""Seconds that a call waits at most when it is asked to; for more, the next push is the better moment."""
_OK: Final = range(200, 300)
_UNMODIFIED: Final = 304
_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _UNAVAILABLE = 401, 403, 404, 429, 503
_CHANGED: Final = frozenset({409, 412})
_SERVER: Final = range(500, 600)


class Auth(Protocol):
    """Who we are to a product."""

    def header(self, http: Http) -> str:
        """The value of `Authorization`.

        Raises:
            PushError: no token is given.
        """
        ...

    def refused(self) -> bool:
        """It was not accepted; whether it is worth a second try with another one."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    content: bytes
    host: str = ""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            PushError: it is none.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise PushError(f"{self.host} answered something that is no JSON", where=self.host) from None


class Http:
    """A client for one product.

    Args:
        url: its base address.
        auth: None: nobody.
        timeout: for connecting, and for each wait for data.
        longest: for one whole answer.
        tries: how often a call is made at most.
        sleep: seconds; to be replaced in tests.
        clock: for a `Retry-After` that names a date.
    """

    def __init__(
        self,
        url: str,
        auth: Auth | None = None,
        *,
        timeout: timedelta = timedelta(seconds=20),
        longest: timedelta = timedelta(seconds=120),
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        _keep_addresses_out_of_logs()
        self.base = httpx.URL(require_safe(url))
        self.host = self.base.host
        self._auth, self._tries, self._sleep, self._clock = auth, tries, sleep, clock
        self._longest, self._timeout = longest.total_seconds(), timeout.total_seconds()
        self._client = httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        also: Collection[int] = (),
    ) -> Answer:
        """Make a call, and make it again where that is safe.

        Args:
            method: GET, PUT, …
            path: below the base address (empty: itself); or a whole address on the same host, as a next page is given.
            body: its content.
            headers: further ones.
            repeatable: whether twice is the same as once. If not, only what surely was not done is repeated.
            also: statuses beside 200 to 299 that are an answer and no error.

        Raises:
            ChangedError: 409 or 412.
            LostError: there was no answer, or half of one.
            PushError: everything else that is not well.
        """
        url, renewed = self._address(path), False
        for number in range(1, self._tries + 1):
            last = number == self._tries
            try:
                answer = self._once(method, url, body, self._headers(headers))
            except LostError:
                if last or not repeatable:
                    raise
                self._sleep(2.0 ** (number - 1))
                continue
            if answer.status == _UNAUTHORISED and self._auth and not renewed and self._auth.refused():
                renewed = True
                answer = self._once(method, url, body, self._headers(headers))
            wait = self._wait(answer, number, repeatable=repeatable)
            if wait is not None and not last and wait <= _LONGEST_WAIT:
                self._sleep(wait)
                continue
            if answer.status in _OK or answer.status in also:
                return answer
            raise self._error(answer, wait)
        raise AssertionError("the last try returns or raises")

    def _address(self, path: str) -> httpx.URL:
        if path and not path.startswith("/"):
            url = httpx.URL(path)
            if (url.scheme, url.host, url.port) != (self.base.scheme, self.base.host, self.base.port):
                raise PushError(f"{self.host} names a next page on another host", where=self.host)
            return url
        return httpx.URL(str(self.base).rstrip("/") + path)

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {"Accept": "application/json", **(more or {})}
        if self._auth:
            headers["Authorization"] = self._auth.header(self)
        return headers

    def _once(self, method: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        content, began = bytearray(), time.monotonic()
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                for part in response.iter_bytes():
                    content += part
                    if len(content) > LIMIT:
                        raise PushError(f"{self.host} answered more than {LIMIT >> 20} MiB", where=self.host)
                    if time.monotonic() - began > self._longest:
                        raise httpx.ReadTimeout("")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            cure = "check its address, the network and the other side"
            raise PushError(f"{self.host}: no connection", where=self.host, cure=cure) from None
        except httpx.TimeoutException:
            raise LostError(f"{self.host} did not answer in time", where=self.host, cure="push again later") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"{self.host} broke off ({type(error).__name__})"
            raise LostError(what, where=self.host, cure="push again later") from None
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, named, bytes(content), self.host)

    def _wait(self, answer: Answer, number: int, *, repeatable: bool) -> float | None:
        """Seconds until it is worth another try; None: it is not."""
        asked = self._retry_after(answer.headers.get("retry-after"))
        if answer.status == _TOO_MANY:
            return asked if asked is not None else 2.0**number
        if answer.status in _SERVER and repeatable:
            return asked if asked is not None and answer.status == _UNAVAILABLE else 2.0 ** (number - 1)
        return None

    def _retry_after(self, text: str | None) -> float | None:
        if text is None:
            return None
        if text.strip().isascii() and text.strip().isdigit():
            return float(min(int(text), 31_536_000))
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - self._clock()).total_seconds())

    def _error(self, answer: Answer, wait: float | None) -> PushError:
        host, status = self.host, answer.status
        if status in _CHANGED:
            cure = "look at it, and push again"
            return ChangedError(f"{host} says that it was changed meanwhile ({status})", where=host, cure=cure)
        if status == _TOO_MANY and wait is not None:
            return PushError(
                f"{host} is asked too often: it wants {wait:.0f} seconds", where=host, cure="push again later"
            )
        cure = {
            _UNAUTHORISED: "check the key, or id and secret, that the target is configured with",
            _FORBIDDEN: "give the key the rights that docs/mdm-admins.md names",
            _NOT_FOUND: "check the ids and the address that the target is configured with",
        }.get(status, "push again later" if status in _SERVER else "")
        if status in range(300, 400) and status != _UNMODIFIED:
            return PushError(
                f"{host} answered {status}, a redirect, which is not followed",
                where=host,
                cure="configure the address at which it is now",
            )
        return PushError(f"{host} answered {status}", where=host, cure=cure)


def require_safe(address: str) -> str:
    """An address that a key may be sent to.

    Raises:
        MdmError: it is none, holds a password, or leads over an unencrypted way to another machine.
    """
    cure = "write https://HOST/PATH; http:// only with a number of this machine (127.0.0.1)"
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise MdmError("the address is none", cure=cure) from None
    if not url.host or url.scheme not in {"http", "https"} or url.query or url.fragment:
        raise MdmError("the address is none, or more than one", cure=cure)
    if url.userinfo:
        raise MdmError("the address holds a user and a password", cure=cure)
    if url.scheme == "http" and not _is_this_machine(url.host):
        raise MdmError("the address is not encrypted (http)", cure=cure)
    return address


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_path(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            f"{arg.scheme}://{arg.host}/…" if isinstance(arg, httpx.URL) else arg for arg in record.args
        )
    return True


def _keep_addresses_out_of_logs() -> None:
    logger = logging.getLogger("httpx")
    if _without_path not in logger.filters:
        logger.addFilter(_without_path)
    logging.getLogger("httpcore").setLevel(logging.INFO)
