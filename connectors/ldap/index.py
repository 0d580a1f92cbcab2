"""Who is in the directory: key, name and user name of everybody that a read met, in about 65 bytes each.

A dictionary would take ten times that. Names are kept as 64-bit hashes only: that two of a million share one happens once in
37 million reads. May not: hold attributes, or ask a server.
"""

from __future__ import annotations

import uuid
from array import array
from typing import TYPE_CHECKING

from connectors.ldap.names import normalise_dn

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = -1
SEVERAL = -2
"""Two people had this name while they were read: nobody can say whom it means now."""

SURVEYED, MET, GONE = 0, 1, 2

_UUID_LENGTH = 36
_FIRST_SLOTS = 1 << 10


class Hashes:
    """Hash of a name -> row, in open addressing."""

    def __init__(self) -> None:
        self._slots = array("I", bytes(4 * _FIRST_SLOTS))
        self._hashes = array("q")
        self._rows = array("i")

    def add(self, name: bytes, row: int) -> None:
        """Note a row under a name; a name with two rows means `SEVERAL` from then on."""
        mark = hash(name)
        slots, hashes = self._slots, self._hashes
        mask = len(slots) - 1
        at = mark & mask
        while found := slots[at]:
            if hashes[found - 1] == mark:
                if self._rows[found - 1] != row:
                    self._rows[found - 1] = SEVERAL
                return
            at = (at + 1) & mask
        hashes.append(mark)
        self._rows.append(row)
        slots[at] = len(hashes)
        if 3 * len(hashes) > 2 * len(slots):
            self._slots = _grown(len(slots), hashes)

    def find(self, name: bytes) -> int:
        """The row, `NOBODY` or `SEVERAL`."""
        mark = hash(name)
        slots, hashes = self._slots, self._hashes
        mask = len(slots) - 1
        at = mark & mask
        while found := slots[at]:
            if hashes[found - 1] == mark:
                return self._rows[found - 1]
            at = (at + 1) & mask
        return NOBODY


def _grown(size: int, hashes: array[int]) -> array[int]:
    slots = array("I", bytes(8 * size))
    mask = 2 * size - 1
    for number, mark in enumerate(hashes, 1):
        at = mark & mask
        while slots[at]:
            at = (at + 1) & mask
        slots[at] = number
    return slots


class Index:
    """Everybody of one read, by row."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._ends = array("I")
        self._slots = array("I", bytes(4 * _FIRST_SLOTS))
        self._names = Hashes()
        self._users = Hashes()
        self._state = bytearray()
        self._written = array("I")
        self._next = 0

    def __len__(self) -> int:
        return len(self._state)

    def row(self, key: str) -> int:
        """The row of a key, or `NOBODY`."""
        return self._find(_packed(key))[0]

    def add(self, key: str, dn: bytes) -> tuple[int, bool]:
        """The row of this key, which has this name now, and whether the key is new."""
        packed = _packed(key)
        mark = hash(dn) & 0xFFFF_FFFF  # a chance likeness costs one look-up of a name, and no more
        # A server gives the same entries in the same order: whoever is next is most often who was next the last time.
        row = self._next
        if row < len(self._state) and self._written[row] == mark and self._packed_key(row) == packed:
            self._next = row + 1
            return row, False
        row, at = self._find(packed)
        self._next = row + 1
        new = row == NOBODY
        if new:
            row = len(self._state)
            self._keys += packed
            self._ends.append(len(self._keys))
            self._state.append(SURVEYED)
            self._written.append(mark)
            self._slots[at] = row + 1
            if 3 * len(self._state) > 2 * len(self._slots):
                marks = array("q", (hash(self._packed_key(number)) for number in range(len(self._state))))
                self._slots = _grown(len(self._slots), marks)
        self._names.add(normalise_dn(dn), row)
        return row, new

    def doubtful(self, dn: bytes) -> None:
        """Somebody has this name whose key cannot be read."""
        name = normalise_dn(dn)
        self._names.add(name, SEVERAL)

    def add_user(self, user: bytes, row: int) -> None:
        """Note a user name (`uid`), as `memberUid` gives it."""
        self._users.add(user.lower(), row)

    def named(self, dn: bytes) -> int:
        """Whose name it is: a row, `NOBODY` or `SEVERAL`."""
        return self._names.find(normalise_dn(dn))

    def user(self, user: bytes) -> int:
        """Whose user name it is: a row, `NOBODY` or `SEVERAL`."""
        return self._users.find(user.lower())

    def key(self, row: int) -> str:
        """The key of a row."""
        packed = self._packed_key(row)
        return str(uuid.UUID(bytes=packed[1:])) if packed[:1] == b"u" else packed[1:].decode("utf-8", "surrogatepass")

    def mark(self, row: int, state: int) -> None:
        """Say what became of a row: `SURVEYED`, `MET` or `GONE`."""
        self._state[row] = state

    def state(self, row: int) -> int:
        """What became of a row."""
        return self._state[row]

    def unmet(self) -> Iterator[int]:
        """The rows that were surveyed, and not met since."""
        row = self._state.find(SURVEYED)
        while row >= 0:
            yield row
            row = self._state.find(SURVEYED, row + 1)

    def _packed_key(self, row: int) -> bytes:
        return bytes(self._keys[self._ends[row - 1] if row else 0 : self._ends[row]])

    def _find(self, packed: bytes) -> tuple[int, int]:
        slots = self._slots
        mask = len(slots) - 1
        at = hash(packed) & mask
        while found := slots[at]:
            if self._packed_key(found - 1) == packed:
                return found - 1, at
            at = (at + 1) & mask
        return NOBODY, at


def _packed(key: str) -> bytes:
    """A key in its shortest form. What would not come back as it was is kept as text."""
    if len(key) == _UUID_LENGTH and key[8] == key[13] == key[18] == key[23] == "-":
        try:
            packed = bytes.fromhex(key.replace("-", ""))
        except ValueError:
            packed = b""
        if len(packed) == 16 and key == key.lower() and key.isascii() and " " not in key:  # noqa: PLR2004 - a UUID's
            return b"u" + packed
    return b"t" + key.encode("utf-8", "surrogatepass")
