"""ldap3's synchronous strategy with two things of ours: how bytes are cut into messages, and how entries are decoded.

Requests, bind, TLS, SASL, controls and results stay ldap3's. May not: follow a referral, open a second connection, or
take a message that ends too early for one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from connectors.ldap.library import (
    LDAPExceptionError,
    LDAPSessionTerminatedByServerError,
    LDAPSocketReceiveError,
    SyncStrategy,
    decode_message_fast,
)
from connectors.ldap.wire import ENTRY, Entry, WireError, decode_entry, message_size, operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.ldap.library import ldap3

_DONE = 5
_ANSWERS = frozenset({ENTRY, 0x73, 0x79})
"""What comes before the searchResDone: entries, references, intermediate responses (RFC 4511, 4.5.2 and 4.13)."""
_INSTANT = 0.001
Decode = Callable[[bytes], tuple[int, Any] | None]
CHUNK = 65_536
AHEAD = 1 << 20
"""Bytes that are kept unopened at most: a page of a thousand people."""
LARGEST_MESSAGE = 1 << 29
"""Bytes. A group of a million members is about 80 MB; what claims to be larger is no answer, but noise."""

Answer = dict[str, Any]
"""A decoded message that is no entry, as ldap3 gives it: `type`, and by it `result`, `controls`, `uri`."""


class EntryStrategy(SyncStrategy):
    """Streams a search's answers one by one, so that a page is never in memory as a whole."""

    _outstanding: dict[int, Any]
    _data: bytes
    _at: int
    page_timeout: float = float("inf")
    """Seconds that ldap3's own operations may be waited for altogether."""
    _limit: float = float("inf")
    _waited: float = 0.0

    @property
    def buffered(self) -> int:
        """Bytes that came and were not asked for. In plain text before TLS they would be somebody else's."""
        return len(self._data) - self._at

    def receiving(self) -> list[bytes]:  # type: ignore[override]
        """One message for ldap3's own operations; none when the server closed the connection."""
        message = self._message()
        return [message] if message else []

    def answers(self, message_id: int, seconds: float | None = None, decode: Decode = decode_entry) -> Iterator[Any]:
        """Everything that answers one search, as it arrives; its searchResDone is the last item.

        Args:
            message_id: the search's.
            seconds: how long the server may be waited for altogether; what is done with the answers meanwhile does not
                count. None: as long as something comes.
            decode: what makes entries of messages, and leaves the other messages to ldap3.

        Yields:
            What `decode` made, or an `Answer`.

        Raises:
            LDAPExceptionError: the connection broke, or the server ended the session.
            WireError: what came is no LDAP message, or answers another request.
        """
        self._wait_at_most(seconds)
        return self._opened(iter(self.next_message, None), message_id, decode)

    def page(self, message_id: int, seconds: float | None = None) -> tuple[Iterator[Any], Answer | None]:
        """The same, with the searchResDone at once where it comes within `AHEAD` bytes: more can be asked before they are opened.

        Returns:
            The answers as `answers` gives them, and the searchResDone if it is there already.

        Raises:
            LDAPExceptionError, WireError: as in `answers`.
        """
        self._wait_at_most(seconds)
        messages: list[bytes] = []
        ahead = 0
        while ahead < AHEAD:
            message = self.next_message()
            if operation(message) not in _ANSWERS:
                done = next(self._opened(iter((message,)), message_id, decode_entry))
                return chain(self._opened(iter(messages), message_id, decode_entry), (done,)), done
            messages.append(message)
            ahead += len(message)
        return self._opened(chain(messages, iter(self.next_message, None)), message_id, decode_entry), None

    def _opened(self, messages: Iterator[bytes], message_id: int, decode: Decode) -> Iterator[Any]:
        for message in messages:
            decoded = decode(message)
            if decoded is not None:
                if decoded[0] != message_id:
                    raise WireError(f"an entry for request {decoded[0]}, when request {message_id} is under way")
                yield decoded[1]
                continue
            answer = self.answer(message, message_id)
            if answer["type"] == "searchResEntry":  # with controls
                attributes = {name.lower(): list(values) for name, values in answer["raw_attributes"].items()}
                yield Entry(answer["raw_dn"], attributes, message, 0)
            elif answer["type"] in {"searchResRef", "intermediateResponse"}:
                yield answer
            elif answer["type"] == "searchResDone":
                self._outstanding.pop(message_id, None)
                yield answer
                return
            else:
                raise WireError(f"a message of type {answer['type']} answers a search")

    def arrives(self, seconds: float) -> bool:
        """Whether a whole message is there within so many seconds. A wait that ends without one breaks nothing.

        Raises:
            LDAPExceptionError: the connection broke, or was closed.
            WireError: what came is no LDAP message.
        """
        deadline = monotonic() + seconds
        socket = self.connection.socket
        try:
            while not 0 <= message_size(self._data, self._at) <= self.buffered:
                socket.settimeout(max(deadline - monotonic(), _INSTANT))
                chunk = socket.recv(CHUNK)
                if not chunk:
                    raise LDAPSessionTerminatedByServerError("the server closed the connection")
                self._data, self._at = self._data[self._at :] + chunk, 0
        except TimeoutError:
            return False
        except (OSError, AttributeError) as error:
            raise LDAPSocketReceiveError(f"the connection broke: {error}") from error
        finally:
            with suppress(OSError, AttributeError):
                socket.settimeout(self.connection.receive_timeout)
        return True

    def next_message(self) -> bytes:
        """The next whole message, whichever request it answers."""
        message = self._message()
        if not message:
            raise LDAPSessionTerminatedByServerError("the server closed the connection")
        return message

    def _get_response(self, message_id: int, timeout: float) -> Any:
        """ldap3's own operations; its decoder meets what is not there with whatever Python raises."""
        self._wait_at_most(self.page_timeout)
        try:
            return super()._get_response(message_id, timeout)  # type: ignore[misc]
        except (LDAPExceptionError, WireError):
            raise
        except Exception as error:
            raise _undecodable(error) from error

    def answer(self, message: bytes, message_id: int) -> Answer:
        """What is no entry, decoded.

        Raises:
            LDAPExceptionError: the server ended the session.
            WireError: it cannot be decoded, or answers another request.
        """
        parts: Answer = {}
        try:
            parts = decode_message_fast(message)  # type: ignore[no-untyped-call]
            number = parts["messageID"]
            answer = cast("Answer", self.decode_response_fast(parts))  # type: ignore[no-untyped-call]
        except LDAPExceptionError:
            raise
        except Exception as error:
            if isinstance(error, KeyError) and parts.get("protocolOp") == _DONE and parts["messageID"] == message_id:
                # A result code that ldap3 does not know is still one, and no success.
                return {"type": "searchResDone", "result": parts["payload"][0][3], "message": ""}
            raise _undecodable(error) from error
        if number == 0:
            raise LDAPSessionTerminatedByServerError(
                f"the server ended the session: {answer.get('message') or 'no reason'}"
            )
        if number != message_id:
            raise WireError(f"an answer to request {number}, when request {message_id} is under way")
        return answer

    def _message(self) -> bytes:
        """The next whole message; empty when the connection was closed between two messages."""
        data, at = self._data, self._at
        have = len(data) - at
        size = message_size(data, at)
        if size < 0 or size > have:
            # Parts are joined once: a group of 50,000 members is one message of some megabytes.
            parts = [data[at:]]
            at = 0
            while size < 0 or have < size:
                chunk = self._receive()
                if not chunk:
                    if have:
                        raise LDAPSessionTerminatedByServerError("the connection was closed within a message")
                    return b""
                parts.append(chunk)
                have += len(chunk)
                if size < 0:
                    parts = [b"".join(parts)]
                    size = message_size(parts[0])
                    if size > LARGEST_MESSAGE:
                        raise WireError(f"a message of {size:,} bytes")
            data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._data, self._at = data, at + size
        return data[at : at + size]

    def _wait_at_most(self, seconds: float | None) -> None:
        self._limit = float("inf") if seconds is None else seconds
        self._waited = 0.0

    def _receive(self) -> bytes:
        began = monotonic()
        try:
            received = cast("bytes", self.connection.socket.recv(CHUNK))
        except TimeoutError as error:
            seconds = self.connection.receive_timeout
            raise LDAPSocketReceiveError(f"no answer within {seconds} seconds") from error
        except (OSError, AttributeError) as error:
            raise LDAPSocketReceiveError(f"the connection broke: {error}") from error
        self._waited += monotonic() - began
        if self._waited > self._limit:
            raise LDAPSocketReceiveError(f"the answer was not whole after {self._limit:g} seconds")
        return received


def _undecodable(error: Exception) -> WireError:
    return WireError(f"a message that cannot be decoded ({type(error).__name__})")


def install(connection: ldap3.Connection, page_timeout: float) -> EntryStrategy:
    """Give a connection, not yet open, this strategy.

    Args:
        connection: ldap3's.
        page_timeout: seconds that an answer to anything but a search may be waited for altogether.

    The strategy keeps its identity and changes its class, because a Connection has bound its methods already.
    """
    strategy = connection.strategy
    strategy.__class__ = EntryStrategy
    strategy._data, strategy._at = b"", 0  # noqa: SLF001 - the object was made as another class
    strategy.page_timeout = page_timeout
    return cast("EntryStrategy", strategy)
