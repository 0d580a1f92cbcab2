r"""Fluix's incoming webhook, which starts a Taskstream.

What is known of it: POST a flat JSON object of texts as `application/json; charset=utf-8`; at most 50 calls a minute, then
429; a field's name has at most 128 characters; the symbols \ { } [ ] < > ^ ~ are prohibited. Whether they are in texts as
well is not said, so they are refused there, too. The address is the only secret: whoever knows it can start the Taskstream.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from connectors.errors import PermanentError, RefusedError
from connectors.text import shown

CALLS_A_MINUTE = 50
NAME_LENGTH = 128
PROHIBITED = "\\{}[]<>^~"

_MINUTE = timedelta(minutes=1)
_OK = range(200, 300)
_SERVER_ERRORS = range(500, 600)


class UnclearError(PermanentError):
    """The call may have started the Taskstream, and must not be made again without looking."""


class Calls(Protocol):
    """Remembers when the webhook was called, across processes."""

    def calls_since(self, moment: datetime) -> list[datetime]:
        """When it was called since then, in order."""
        ...

    def called(self, now: datetime) -> None:
        """It is about to be called."""
        ...


class Webhook:
    """One incoming webhook.

    Args:
        address: tells the secret address; asked at each call, and never kept.
        calls: see there.
        timeout: for connecting, and for each wait for an answer.
        tries: how often one start is tried, where it surely did not arrive before.
        sleep, clock: to be replaced in tests.
    """

    def __init__(
        self,
        address: Callable[[], str],
        calls: Calls,
        *,
        timeout: timedelta = timedelta(seconds=10),
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._address = address
        self._calls = calls
        self._timeout = timeout
        self._tries = tries
        self._sleep = sleep
        self._clock = clock

    def start(self, fields: Mapping[str, str]) -> None:
        """Start the Taskstream once.

        Raises:
            PermanentError: a field is not allowed, or the address is none; nothing was sent. Or it was refused.
            UnclearError: it may have started.
            RetryableError: it surely did not start; try again later.
        """
        from connectors.http import Http, LostError, WaitError, require_safe  # noqa: PLC0415 - a tenth of a second

        require_allowed(fields)
        address = self._address()
        host = require_safe(address)
        body = json.dumps(dict(fields), ensure_ascii=False).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        with Http(self._timeout, tries=1, limit=1 << 16, sleep=self._sleep, clock=self._clock) as http:
            for number in range(1, self._tries + 1):
                self._wait_for_turn()
                try:
                    answer = http.call("POST", address, content=body, headers=headers)
                except WaitError as error:
                    if number == self._tries or error.wait > _MINUTE:
                        raise
                    self._sleep(error.wait.total_seconds())
                    continue
                except LostError as error:
                    raise UnclearError(error.what, where=host, cure="see in Fluix whether it started") from None
                break
        if answer.status in _OK:
            return
        if answer.status in _SERVER_ERRORS:
            raise UnclearError(f"{host} answered {answer.status}", where=host, cure="see in Fluix whether it started")
        raise RefusedError(
            f"{host} answered {answer.status}", where=host, cure="check the webhook's address and fields in Fluix"
        )

    def _wait_for_turn(self) -> None:
        """Wait until fewer than 50 calls lie within the last minute, and count this one."""
        while True:
            now = self._clock()
            recent = self._calls.calls_since(now - _MINUTE)
            if len(recent) < CALLS_A_MINUTE:
                self._calls.called(now)
                return
            self._sleep(max((recent[-CALLS_A_MINUTE] + _MINUTE - now).total_seconds(), 0.001))


def require_allowed(fields: Mapping[str, str]) -> None:
    """Refuse what Fluix would not take, before anything is sent.

    Raises:
        PermanentError: naming the field.
    """
    cure = "change `target.webhook.fields`"
    for name, text in fields.items():
        if not name or len(name) > NAME_LENGTH:
            said = f"has {len(name)} characters, over {NAME_LENGTH}" if name else "is empty"
            raise PermanentError(f"the webhook's field name {shown(name)} {said}", cure=cure)
        for what, value in (("name", name), ("text", text)):
            if found := next((sign for sign in value if sign in PROHIBITED), None):
                raise PermanentError(
                    f"the {what} of the webhook's field {shown(name)} holds the prohibited symbol {found}", cure=cure
                )
