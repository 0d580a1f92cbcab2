"""Calls over HTTP that end in time, repeat only what may be repeated, and never tell where a secret address leads.

An address can be a secret by itself (an incoming webhook's is). So no error, and no line that httpx logs, names more than
the host; errors are raised without the one that they came from, which holds the whole request. Redirects are not followed:
they would carry the request to an address that nobody configured.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx

from connectors.errors import PermanentError, RetryableError

_TOO_MANY = 429
_UNAVAILABLE = 503
_REDIRECTS = range(300, 400)
_MOST_WAITING = timedelta(seconds=60)
"""No call waits longer before it is repeated; where the other side asks for more, the caller is told."""


class WaitError(RetryableError):
    """The other side asks for time. `wait` says how long."""

    def __init__(self, what: str, *, wait: timedelta, where: str = "", cure: str = "") -> None:
        super().__init__(what, where=where, cure=cure)
        self.wait = wait


class LostError(RetryableError):
    """The request may have arrived: its answer did not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    content: bytes = b""
    whole: bool = True
    """False where it was longer than the limit, and `content` is its beginning."""


class Http:
    """A client with time-outs.

    Args:
        timeout: for connecting, and for each wait for data.
        tries: how often a call is made at most.
        limit: how much of an answer is read, in bytes.
        sleep: seconds; to be replaced in tests.
        clock: tells the time, for a `Retry-After` that names a date.
        trust: which authorities may have signed the other side's certificate; None: those that the system trusts.
        longest: how long one answer may take altogether; a byte a minute never lets `timeout` pass. None: for ever.
        seconds: a clock that only goes forward, for `longest`.
        pace: called before each try; it may wait.
    """

    def __init__(
        self,
        timeout: timedelta = timedelta(seconds=10),
        tries: int = 3,
        limit: int = 1 << 20,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        trust: ssl.SSLContext | None = None,
        longest: timedelta | None = None,
        seconds: Callable[[], float] = time.monotonic,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        _keep_addresses_out_of_logs()
        self._timeout = timeout
        self._client = httpx.Client(
            timeout=timeout.total_seconds(), follow_redirects=False, verify=True if trust is None else trust
        )
        self._tries = tries
        self._limit = limit
        self._sleep = sleep
        self._clock = clock
        self._longest = longest
        self._seconds = seconds
        self._pace = pace

    def __enter__(self) -> Self:
        """Itself; its connections are closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def call(
        self,
        method: str,
        address: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Make a call, and make it again where that is safe.

        Args:
            method: GET, POST, …
            address: the whole one. No error repeats it.
            content: the body.
            headers: of the request.
            repeatable: whether twice is the same as once. If not, only what surely was not done is repeated: when there was
                no connection, or the answer was 429. A 503 may come from somebody in between.

        Raises:
            WaitError: it asks for more time than a call waits.
            LostError: it may have arrived, and there was no answer.
            RetryableError: there was no connection.
            PermanentError: the address is none, is not encrypted, or answers with a redirect.
        """
        host = require_safe(address)
        for number in range(1, self._tries + 1):
            last = number == self._tries
            self._pace()
            try:
                answer = self._once(method, address, content, headers or {}, host)
            except LostError:
                if last or not repeatable:
                    raise
            except RetryableError:
                if last:
                    raise
            else:
                wait = self._asked_to_wait(answer, number, repeatable=repeatable)
                if wait is None:
                    return answer
                if last or wait > _MOST_WAITING:
                    raise WaitError(
                        f"{host} answered {answer.status}: it asks for {wait.total_seconds():.0f} seconds",
                        wait=wait,
                        where=host,
                        cure="try again later",
                    )
                self._sleep(wait.total_seconds())
                continue
            self._sleep(2.0 ** (number - 1))
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, address: str, content: bytes, headers: Mapping[str, str], host: str) -> Answer:
        body = bytearray()
        began = self._seconds()
        try:
            with self._client.stream(method, address, content=content, headers=headers) as response:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > self._limit:
                        break
                    if self._longest and self._seconds() - began > self._longest.total_seconds():
                        raise httpx.ReadTimeout("")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            why = "no connection within" if isinstance(error, httpx.TimeoutException) else "no connection"
            seconds = f" {self._timeout.total_seconds():g} seconds" if isinstance(error, httpx.TimeoutException) else ""
            raise RetryableError(
                f"{host}: {why}{seconds}", where=host, cure="check the network and the other side"
            ) from None
        except httpx.TimeoutException:
            late = self._longest is not None and self._seconds() - began > self._longest.total_seconds()
            waited = self._longest if late and self._longest else self._timeout
            raise LostError(f"{host} did not answer within {waited.total_seconds():g} seconds", where=host) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LostError(f"{host} broke off ({type(error).__name__})", where=host) from None
        if response.status_code in _REDIRECTS:
            raise PermanentError(
                f"{host} answered {response.status_code}, a redirect, which is not followed",
                where=host,
                cure="configure the address at which it is now",
            )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, bytes(body[: self._limit]), whole=len(body) <= self._limit)

    def _asked_to_wait(self, answer: Answer, number: int, *, repeatable: bool) -> timedelta | None:
        """How long the other side asks to be left alone; None when it does not."""
        asked = answer.headers.get("retry-after")
        if answer.status == _TOO_MANY:
            return self._parsed(asked) or timedelta(seconds=2.0**number)
        return self._parsed(asked) if answer.status == _UNAVAILABLE and repeatable else None

    def _parsed(self, asked: str | None) -> timedelta | None:
        if asked is None:
            return None
        if asked.strip().isascii() and asked.strip().isdigit():
            return timedelta(seconds=min(int(asked), 31_536_000))
        try:
            at = parsedate_to_datetime(asked)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(at - self._clock(), timedelta(0))


def require_safe(address: str) -> str:
    """The host of an address that may be called.

    Raises:
        PermanentError: it is no address, or leads over an unencrypted way to another machine.
    """
    cure = "configure the whole address, https://HOST/PATH"
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise PermanentError("the address is none", cure=cure) from None
    if not url.host or url.scheme not in {"http", "https"}:
        raise PermanentError("the address is none", cure=cure)
    if url.userinfo:
        raise PermanentError("the address holds a user and a password", where=url.host, cure=cure)
    if url.scheme != "https" and not _is_this_machine(url.host):
        raise PermanentError("the address is not encrypted (http)", where=url.host, cure=cure)
    return url.host


def _is_this_machine(host: str) -> bool:
    # By number only: what `localhost` means can be changed by whoever answers for names.
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
    """Whatever httpx logs of a request names its whole address: all behind the host is taken out before anybody sees it."""
    logger = logging.getLogger("httpx")
    if _without_path not in logger.filters:
        logger.addFilter(_without_path)
    # Its lower half tells whole headers where everything is logged, a redirect's address among them.
    logging.getLogger("httpcore").setLevel(logging.INFO)
