"""A ZIP that is byte for byte the same for the same files, with flat memory however many there are.

Nothing is compressed: what a compressor makes of the same bytes changes with its version. `MANIFEST.sha256` is last and is
checked with `sha256sum -c`.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from collections.abc import Iterable
from typing import IO, BinaryIO, Final, NamedTuple, Self

from mdm.errors import MdmError
from mdm.tables import escaped

MANIFEST: Final = "MANIFEST.sha256"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_IN_MEMORY: Final = 1 << 20
_QUOTED = re.compile(r'["\r\n]').search


class File(NamedTuple):
    """One file of the bundle, read back already."""

    name: str
    content: bytes


class Archive:
    """A ZIP under way. Use it as a context: the manifest is written when the context ends well."""

    def __init__(self, stream: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(stream, "w")
        self._manifest = spool()
        self.files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        with self._manifest, self._zip:
            if kind is None:
                self._copy(MANIFEST, self._manifest)
                self.files += 1

    def add(self, file: File) -> str:
        """Put a file in.

        Returns:
            Its SHA-256.

        Raises:
            MdmError: a file of this name is there already.
        """
        if file.name in self._zip.NameToInfo:
            raise MdmError("two files of one name: nothing may be written twice", where=file.name)
        self._zip.writestr(_entry(file.name), file.content)
        digest = hashlib.sha256(file.content).hexdigest()
        self._note(digest, file.name)
        return digest

    def add_stream(self, name: str, stream: IO[bytes]) -> None:
        """Put a file in that is too large for the memory."""
        self._note(self._copy(name, stream), name)

    def _copy(self, name: str, stream: IO[bytes]) -> str:
        stream.seek(0)
        digest = hashlib.sha256()
        with self._zip.open(_entry(name), "w", force_zip64=True) as file:
            while part := stream.read(_IN_MEMORY):
                digest.update(part)
                file.write(part)
        return digest.hexdigest()

    def _note(self, digest: str, name: str) -> None:
        self._manifest.write(f"{digest}  {name}\n".encode())
        self.files += 1


def row(cells: Iterable[str], *, mark: bool = False) -> bytes:
    """One line of a table for spreadsheets; `mark` begins the file with what tells them that it is UTF-8."""
    safe = [escaped(cell) for cell in cells]
    line = ",".join(safe)
    if _QUOTED(line) or line.count(",") >= len(safe):
        line = ",".join(
            f'"{cell.replace(chr(34), chr(34) * 2)}"' if _QUOTED(cell) or "," in cell else cell for cell in safe
        )
    return (("\ufeff" if mark else "") + line + "\r\n").encode()


def spool() -> IO[bytes]:
    """A file without a name, in memory as long as it is small."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = _MODE
    entry.create_system = 3
    return entry
