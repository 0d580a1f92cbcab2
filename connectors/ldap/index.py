"""Who is in the directory: key, name and user name of everybody that a read met, in about 65 bytes each.

A dictionary would take ten times that. Names are kept as 64-bit hashes only: that two of a million share one happens once in
37 million reads. May not: hold attributes, or ask a server.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from connectors.keys import FIRST_SLOTS, NOBODY, Keys, grown
from connectors.ldap.names import normalise_dn

if TYPE_CHECKING:
    from collections.abc import Iterator

SEVERAL = -2
"""Two people had this name while they were read: nobody can say whom it means now."""

SURVEYED, MET, GONE = 0, 1, 2


class Hashes:
    """Hash of a name -> row, in open addressing."""

    def __init__(self) -> None:
        self._slots = array("I", bytes(4 * FIRST_SLOTS))
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
            self._slots = grown(len(slots), hashes)

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


class Index:
    """Everybody of one read, by row."""

    def __init__(self) -> None:
        self._keys = Keys()
        self._names = Hashes()
        self._users = Hashes()
        self._written = array("I")
        self._next = 0

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, key: str) -> int:
        """The row of a key, or `NOBODY`."""
        return self._keys.row(key)

    def add(self, key: str, dn: bytes) -> tuple[int, bool]:
        """The row of this key, which has this name now, and whether the key is new."""
        mark = hash(dn) & 0xFFFF_FFFF  # a chance likeness costs one look-up of a name, and no more
        # A server gives the same entries in the same order: whoever is next is most often who was next the last time.
        guess = self._next if self._next < len(self._written) and self._written[self._next] == mark else NOBODY
        row, new = self._keys.add(key, guess)
        self._next = row + 1
        if row == guess:
            return row, False
        if new:
            self._written.append(mark)
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
        return self._keys.key(row)

    def mark(self, row: int, state: int) -> None:
        """Say what became of a row: `SURVEYED`, `MET` or `GONE`."""
        self._keys.marks[row] = state

    def state(self, row: int) -> int:
        """What became of a row."""
        return self._keys.marks[row]

    def unmet(self) -> Iterator[int]:
        """The rows that were surveyed, and not met since."""
        row = self._keys.marks.find(SURVEYED)
        while row >= 0:
            yield row
            row = self._keys.marks.find(SURVEYED, row + 1)
