"""The ids that a read met, each with a row, in about 40 bytes: a dictionary would take four times that.

May not: hold anything else of a resource.
"""

from __future__ import annotations

from array import array

NOBODY = -1
_FIRST_SLOTS = 1 << 10
_UUID_BYTES = 16


class Ids:
    """Id <-> row, in open addressing, and a mark for each row."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._ends = array("I")
        self._slots = array("I", bytes(4 * _FIRST_SLOTS))
        self.marks = bytearray()
        """By row: in which pass it was met last."""

    def __len__(self) -> int:
        return len(self._ends)

    def row(self, key: str) -> int:
        """The row of an id, or `NOBODY`."""
        return self._find(_packed(key))[0]

    def add(self, key: str) -> tuple[int, bool]:
        """The row of an id, and whether it is new."""
        packed = _packed(key)
        row, at = self._find(packed)
        if row != NOBODY:
            return row, False
        row = len(self._ends)
        self._keys += packed
        self._ends.append(len(self._keys))
        self.marks.append(0)
        self._slots[at] = row + 1
        if 3 * len(self._ends) > 2 * len(self._slots):
            self._grow()
        return row, True

    def key(self, row: int) -> str:
        """The id of a row."""
        packed = self._packed_key(row)
        if packed[:1] != b"u":
            return packed[1:].decode("utf-8", "surrogatepass")
        text = packed[1:].hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

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

    def _grow(self) -> None:
        self._slots = array("I", bytes(8 * len(self._slots)))
        mask = len(self._slots) - 1
        for row in range(len(self._ends)):
            at = hash(self._packed_key(row)) & mask
            while self._slots[at]:
                at = (at + 1) & mask
            self._slots[at] = row + 1


def _packed(key: str) -> bytes:
    """An id in its shortest form; what would not come back as it was is kept as text."""
    try:
        packed = bytes.fromhex(key.replace("-", ""))
    except ValueError:
        packed = b""
    if len(packed) == _UUID_BYTES:
        text = packed.hex()
        if key == f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}":
            return b"u" + packed
    return b"t" + key.encode("utf-8", "surrogatepass")
