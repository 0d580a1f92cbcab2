"""Poll-based delivery (RFC 8936): the receiver asks for events, and acknowledges in the same request those that it has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from scim.access.metadata import reading, writing
from scim.events import queue
from scim.events.settings import Stream
from scim.events.signing import Signer

MOST: Final = 100
"""Events in one answer, however many are asked for; `moreAvailable` says that there are others."""

_LONG: Final = 10.0
"""Seconds that a request waits which does not want to be answered at once."""
_LOOK: Final = 0.25


class InvalidPollError(ValueError):
    """The request is none that RFC 8936, section 2.2, describes."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll request (RFC 8936, section 2.2)."""

    ack: tuple[str, ...] = ()
    errors: Mapping[str, str] | None = None
    most: int = MOST
    at_once: bool = False

    @classmethod
    def read(cls, given: Any) -> Poll:
        """The request in this JSON body; an empty one asks for what there is.

        Raises:
            InvalidPollError: with what is wrong.
        """
        given = {} if given is None else given
        if not isinstance(given, dict):
            raise InvalidPollError("the body must be a JSON object")
        ack, errors = given.get("ack", []), given.get("setErrs", {})
        most, at_once = given.get("maxEvents", MOST), given.get("returnImmediately", False)
        if not isinstance(ack, list) or not all(isinstance(one, str) for one in ack):
            raise InvalidPollError("`ack` must be a list of texts, the `jti` of each event")
        if not isinstance(errors, dict) or not all(isinstance(one, dict) for one in errors.values()):
            raise InvalidPollError("`setErrs` must be an object of objects with `err` and `description`")
        if isinstance(most, bool) or not isinstance(most, int) or most < 0:
            raise InvalidPollError("`maxEvents` must be a number, not less than 0")
        if not isinstance(at_once, bool):
            raise InvalidPollError("`returnImmediately` must be a truth value")
        told = {jti: f"{one.get('err', '')}: {one.get('description', '')}"[:300] for jti, one in errors.items()}
        return cls(tuple(ack), told, min(most, MOST), at_once)


def answer(
    engine: Engine,
    stream: Stream,
    signer: Signer,
    poll: Poll,
    clock: Callable[[], datetime],
    *,
    wait: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """Take the acknowledgements, and give the oldest events that wait (RFC 8936, sections 2.3 and 2.4).

    What is given and not acknowledged is given again with the next request.

    Returns:
        `sets` (jti -> token), and `moreAvailable` where there are others.
    """
    if poll.ack or poll.errors:
        with writing(engine) as connection:
            queue.acknowledge(connection, stream.tenant, poll.ack)
            queue.give_up(connection, stream.tenant, poll.errors or {}, clock())
    if not poll.most:  # the receiver only acknowledges
        return {"sets": {}}
    waited = 0.0
    while True:
        with reading(engine) as connection:
            found = queue.waiting(connection, stream.tenant, poll.most + 1)
        if found or poll.at_once or waited >= _LONG:
            break
        wait(_LOOK)
        waited += _LOOK
    sets = {one.jti: signer.sign(one.claims) for one in found[: poll.most]}
    return {"sets": sets, "moreAvailable": True} if len(found) > poll.most else {"sets": sets}
