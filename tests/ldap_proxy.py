"""The proxy of the fault laboratory for LDAP: message by message, so that a test can say which answer is altered, dropped or cut."""

from __future__ import annotations

from connectors.ldap.wire import message_size
from tests.lab.proxy import Alter, Fault, Wire

ENTRY = 0x64
DONE = 0x65


def number(message: bytes) -> bytes:
    """A message's number, as the element that it is."""
    at = 2 + (message[1] & 0x7F if message[1] > 0x7F else 0)
    return message[at : at + 2 + message[at + 1]]


def operation(message: bytes) -> int:
    """The tag of what a message is about."""
    at = 2 + (message[1] & 0x7F if message[1] > 0x7F else 0)
    return message[at + 2 + message[at + 1]]


def done(message: bytes, code: int = 0) -> bytes:
    """A searchResDone with this result and no controls, instead of a message."""
    return ber(0x30, number(message), ber(DONE, ber(10, bytes([code])), ber(4), ber(4)))


def ber(tag: int, *parts: bytes) -> bytes:
    """One element."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


class Proxy(Wire):
    """An LDAP server at `url` that passes everything on to `port`.

    Args:
        port: the real server's.
        alter: what becomes of each answer; None: nothing.
        cut_after: close the connection after so many bytes of answers, wherever that is; None: never.
        stall_after: after so many bytes of answers say nothing any more, and keep the connection open.
        drip: from `stall_after` on send a byte after so many seconds, and then the next one.
        ask: what becomes of each request.
    """

    def __init__(
        self,
        port: int,
        *,
        alter: Alter | None = None,
        cut_after: int | None = None,
        stall_after: int | None = None,
        drip: float | None = None,
        ask: Alter | None = None,
    ) -> None:
        fault = None
        if cut_after is not None:
            fault = Fault("cut", cut_after)
        if stall_after is not None:
            fault = Fault("drip", stall_after, seconds=drip) if drip else Fault("silence", stall_after)
        super().__init__(port, fault, framing=message_size, alter=alter, ask=ask)
        self.url = f"ldap://127.0.0.1:{self.port}"
