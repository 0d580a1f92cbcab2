"""Keys that a read met, each with a row and a mark, in about 40 bytes: a dictionary would take four times that.

May not: hold anything else of what has the key.
"""

from __future__ import annotations

import uuid
from array import array
from collections.abc import Iterable

NOBODY = -1
FIRST_SLOTS = 1 << 10
_UUID_LENGTH, _UUID_BYTES = 36, 16


class Keys:
    """Key <-> row, in open addressing."""

    def __init__(self) -> None:
        self._packed = bytearray()
        self._ends = array("I")
        self._slots = array("I", bytes(4 * FIRST_SLOTS))
        self.marks = bytearray()
        """By row; 0 at first."""

    def __len__(self) -> int:
        return len(self._ends)

    def row(self, key: str) -> int:
        """The row of a key, or `NOBODY`."""
        return self._find(_packed(key))[0]

    def add(self, key: str, guess: int = NOBODY) -> tuple[int, bool]:
        """The row of a key, and whether it is new.

        Args:
            key: see there.
            guess: a row at which it may well stand: looked at first.
        """
        packed = _packed(key)
        if 0 <= guess < len(self._ends) and self._at(guess) == packed:
            return guess, False
        row, at = self._find(packed)
        if row != NOBODY:
            return row, False
        row = len(self._ends)
        self._packed += packed
        self._ends.append(len(self._packed))
        self.marks.append(0)
        self._slots[at] = row + 1
        if 3 * len(self._ends) > 2 * len(self._slots):
            self._slots = grown(len(self._slots), (hash(self._at(number)) for number in range(len(self._ends))))
        return row, True

    def key(self, row: int) -> str:
        """The key of a row."""
        packed = self._at(row)
        if packed[:1] == b"u":
            return str(uuid.UUID(bytes=packed[1:]))
        return packed[1:].decode("utf-8", "surrogatepass")

    def _at(self, row: int) -> bytes:
        return bytes(self._packed[self._ends[row - 1] if row else 0 : self._ends[row]])

    def _find(self, packed: bytes) -> tuple[int, int]:
        slots = self._slots
        mask = len(slots) - 1
        at = hash(packed) & mask
        while found := slots[at]:
            if self._at(found - 1) == packed:
                return found - 1, at
            at = (at + 1) & mask
        return NOBODY, at


def grown(size: int, marks: Iterable[int]) -> array[int]:
    """Twice as many slots, filled anew.

    Args:
        size: how many there are.
        marks: the hash of each row, in their order.
    """
    slots = array("I", bytes(8 * size))
    mask = 2 * size - 1
    for number, mark in enumerate(marks, 1):
        at = mark & mask
        while slots[at]:
            at = (at + 1) & mask
        slots[at] = number
    return slots


def _packed(key: str) -> bytes:
    """A key in its shortest form. What would not come back as it was is kept as text."""
    if len(key) == _UUID_LENGTH and key[8] == key[13] == key[18] == key[23] == "-":
        try:
            packed = bytes.fromhex(key.replace("-", ""))
        except ValueError:
            packed = b""
        if len(packed) == _UUID_BYTES and key == key.lower() and key.isascii() and " " not in key:
            return b"u" + packed
    return b"t" + key.encode("utf-8", "surrogatepass")
