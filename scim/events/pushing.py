"""Push-based delivery (RFC 8935): each event is posted, and gone when the receiver answers 202.

Events go in their order. While the receiver does not answer, the oldest is tried again, later each time, and the others wait
behind it; one that the receiver calls invalid is put aside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
from sqlalchemy import Engine

from scim.access.metadata import reading, writing
from scim.events import queue
from scim.events.queue import Waiting
from scim.events.settings import Stream
from scim.events.signing import Signer

_CLAIMED: Final = timedelta(minutes=2)
"""So long an attempt may take before another worker may try: longer than every time-out of it."""
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(hours=1)
_STEEPEST = 10
_PERMANENT = "invalid_request"
"""The one error of RFC 8935, section 2.4, that lies in the event itself; of the others the operator can mend the cause."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What an attempt came to: how many arrived, how many were put aside, and why it stopped ("" when nothing is left)."""

    arrived: int
    refused: int
    stopped: str


class Courier:
    """Delivers the events of those streams that are pushed.

    Args:
        engine: the store's.
        streams: by the tenants' names.
        signer: signs them.
        client: sends them; its time-outs are its own.
        clock: the present moment.
    """

    def __init__(
        self,
        engine: Engine,
        streams: Mapping[str, Stream],
        signer: Signer,
        client: httpx.Client,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._streams = {name: stream for name, stream in streams.items() if stream.push}
        self._expiring = dict(streams)
        self._signer = signer
        self._client = client
        self._clock = clock

    def deliver(self) -> dict[str, Delivered]:
        """Deliver all that is due, and take away what is too old. Ends by itself.

        Returns:
            What it came to, for each pushed stream.
        """
        for stream in self._expiring.values():
            with writing(self._engine) as connection:
                queue.expire(connection, stream.tenant, stream.keep, self._clock())
        return {name: self._deliver(stream) for name, stream in self._streams.items()}

    def run(self, stop: threading.Event, every: float = 1.0) -> None:
        """Deliver until told to stop, looking so often (seconds) whether there is something."""
        while not stop.wait(every):
            self.deliver()

    def _deliver(self, stream: Stream) -> Delivered:
        arrived = refused = 0
        while True:
            one = self._claimed(stream)
            if one is None:
                return Delivered(arrived, refused, self._reason(stream))
            problem, permanent, wait = self._post(stream, one)
            now = self._clock()
            with writing(self._engine) as connection:
                if not problem:
                    arrived += queue.acknowledge(connection, stream.tenant, [one.jti])
                elif permanent:
                    queue.give_up(connection, stream.tenant, {one.jti: problem}, now)
                    refused += 1
                else:
                    queue.postpone(connection, one, now + max(wait, _later(one.tries)), problem)
                    return Delivered(arrived, refused, problem)

    def _claimed(self, stream: Stream) -> Waiting | None:
        now = self._clock()
        with reading(self._engine) as connection:
            oldest = queue.waiting(connection, stream.tenant, 1)
        if not oldest or oldest[0].next_try_at > now:
            return None
        with writing(self._engine) as connection:
            return oldest[0] if queue.claim(connection, oldest[0], now + _CLAIMED) else None

    def _reason(self, stream: Stream) -> str:
        with reading(self._engine) as connection:
            return "the oldest event waits for its next try" if queue.waiting(connection, stream.tenant, 1) else ""

    def _post(self, stream: Stream, one: Waiting) -> tuple[str, bool, timedelta]:
        """Send one (RFC 8935, section 2.1): what went wrong, whether for good, and how long to wait at least."""
        headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
        try:
            if stream.authorization:
                headers["Authorization"] = stream.authorization()
            token = self._signer.sign(one.claims)
            answer = self._client.post(stream.push or "", content=token.encode(), headers=headers)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}", False, timedelta()
        except Exception as error:  # noqa: BLE001 - a secret that cannot be read stops this stream, not the others
            return f"{type(error).__name__}: {error}", False, timedelta()
        if answer.status_code == httpx.codes.ACCEPTED:
            return "", False, timedelta()
        code, said = _error(answer)
        after = answer.headers.get("Retry-After", "")
        wait = timedelta(seconds=int(after)) if after.isascii() and after.isdigit() else timedelta()
        permanent = answer.status_code == httpx.codes.BAD_REQUEST and code == _PERMANENT
        return f"answered {answer.status_code} {said}".strip(), permanent, min(wait, _LONGEST)


def _error(answer: httpx.Response) -> tuple[str, str]:
    """The error code and what goes with it (RFC 8935, section 2.3)."""
    try:
        given = answer.json()
    except ValueError:
        return "", ""
    if not isinstance(given, dict):
        return "", ""
    code = str(given.get("err", ""))
    return code, f"{code}: {given.get('description', '')}"[:300].strip(": ")


def _later(tries: int) -> timedelta:
    return min(_FIRST * (1 << min(tries, _STEEPEST)), _LONGEST)
