"""The controls and messages of content synchronization (RFC 4533, 2), to bytes and from them.

Pure. May not: say what they mean for a reader (`syncrepl` does), or repair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from connectors.ldap.wire import Entry, WireError, decode_controlled, open_element

SYNC_REQUEST: Final = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE: Final = b"1.3.6.1.4.1.4203.1.9.1.2"
SYNC_DONE: Final = "1.3.6.1.4.1.4203.1.9.1.3"
SYNC_INFO: Final = "1.3.6.1.4.1.4203.1.9.1.4"

REFRESH_ONLY, REFRESH_AND_PERSIST = 1, 3
PRESENT, ADD, MODIFY, DELETE = range(4)
_BOOLEAN, _INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
_NEW_COOKIE, _REFRESH_DELETE, _REFRESH_PRESENT, _ID_SET = 0x80, 0xA1, 0xA2, 0xA3
_UUID = 16
_SHORT = 0x80


class SyncEntry(NamedTuple):
    """An entry with its Sync State control (RFC 4533, 2.3)."""

    entry: Entry
    state: int
    """`PRESENT`, `ADD`, `MODIFY` or `DELETE`."""
    uuid: bytes
    """16 bytes of the entryUUID."""
    cookie: bytes | None


class SyncInfo(NamedTuple):
    """A Sync Info message (RFC 4533, 2.5)."""

    uuids: tuple[bytes, ...] = ()
    deletes: bool = False
    """Whether these entries are gone; otherwise they are present and unchanged."""
    cookie: bytes | None = None
    refreshed: bool = False
    """Whether the refresh is over, and what comes from now on is news."""


def element(tag: int, *parts: bytes) -> bytes:
    """One element of BER, its length in as few bytes as it takes."""
    content = b"".join(parts)
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT | len(length))) + length + content


def sync_request(mode: int, cookie: bytes | None) -> bytes:
    """The value of a Sync Request control (RFC 4533, 2.2)."""
    told = () if cookie is None else (element(_OCTETS, cookie),)
    return element(_SEQUENCE, element(_ENUMERATED, bytes((mode,))), *told)


def decode_sync_entry(message: bytes) -> tuple[int, SyncEntry] | None:
    """The message's number and the entry with its state; None for every other kind of message.

    Raises:
        WireError: it is an entry, and it or its control is not whole, or it has none.
    """
    found = decode_controlled(message)
    if found is None:
        return None
    number, entry, controls = found
    if SYNC_STATE not in controls:
        raise WireError("an entry without a Sync State control answers a sync search")
    parts = list(_parts(controls[SYNC_STATE], _SEQUENCE))
    cookie = parts.pop()[1] if [tag for tag, _ in parts] == [_ENUMERATED, _OCTETS, _OCTETS] else None
    if [tag for tag, _ in parts] != [_ENUMERATED, _OCTETS]:
        raise WireError("a Sync State control without state and entryUUID")
    state = int.from_bytes(parts[0][1], "big")
    if len(parts[0][1]) != 1 or state > DELETE:
        raise WireError(f"{state} is no state of an entry")
    return number, SyncEntry(entry, state, _uuid(parts[1][1]), cookie)


def decode_sync_done(value: bytes) -> tuple[bytes | None, bool]:
    """The cookie and `refreshDeletes` of a Sync Done control (RFC 4533, 2.4).

    Raises:
        WireError: it is none.
    """
    parts = list(_parts(value, _SEQUENCE))
    cookie = parts.pop(0)[1] if parts and parts[0][0] == _OCTETS else None
    deletes = _truth(parts.pop(0)[1]) if parts and parts[0][0] == _BOOLEAN else False
    if parts:
        raise WireError("a Sync Done control with more than a cookie and refreshDeletes")
    return cookie, deletes


def decode_sync_info(value: bytes) -> SyncInfo:
    """A Sync Info message.

    Raises:
        WireError: it is none.
    """
    if not value:
        raise WireError("a Sync Info message of no bytes")
    tag = value[0]
    if tag == _NEW_COOKIE:
        return SyncInfo(cookie=_content(value, tag))
    if tag not in {_REFRESH_DELETE, _REFRESH_PRESENT, _ID_SET}:
        raise WireError(f"0x{tag:02x} is no kind of Sync Info message")
    parts = list(_parts(value, tag))
    cookie = parts.pop(0)[1] if parts and parts[0][0] == _OCTETS else None
    flag = _truth(parts.pop(0)[1]) if parts and parts[0][0] == _BOOLEAN else None
    if tag != _ID_SET:
        if parts:
            raise WireError("a Sync Info message with more than a cookie and refreshDone")
        return SyncInfo(cookie=cookie, refreshed=flag is not False)
    if [part for part, _ in parts] != [_SET]:
        raise WireError("a set of entries without entries")
    uuids = []
    for part, content in _elements(parts[0][1]):
        if part != _OCTETS:
            raise WireError("a set of entries that holds something else")
        uuids.append(_uuid(content))
    return SyncInfo(tuple(uuids), bool(flag), cookie)


def _uuid(value: bytes) -> bytes:
    if len(value) != _UUID:
        raise WireError(f"an entryUUID of {len(value)} bytes")
    return value


def _truth(value: bytes) -> bool:
    if len(value) != 1:
        raise WireError(f"a truth of {len(value)} bytes")
    return value != b"\0"


def _content(value: bytes, tag: int) -> bytes:
    try:
        begin, end = open_element(value, 0, tag)
    except IndexError:
        raise WireError("a control ends within an element") from None
    if end != len(value):
        raise WireError("a control does not end where it says")
    return value[begin:end]


def _parts(value: bytes, tag: int) -> Iterator[tuple[int, bytes]]:
    return _elements(_content(value, tag))


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        tag = content[at]
        try:
            begin, end = open_element(content, at, tag)
        except IndexError:
            raise WireError("a control ends within an element") from None
        if end > len(content):
            raise WireError("a part of a control is longer than the control")
        yield tag, content[begin:end]
        at = end
