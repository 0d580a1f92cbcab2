"""The one error of this room: what is wrong, where, and what to do."""

from __future__ import annotations


class MdmError(Exception):
    """A config cannot be read, or must not be written.

    Args:
        what: what is wrong, as a sentence.
        where: the file, line or key that it is about.
        cure: what to do.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure
