"""Which CSV files there are, and whether they have arrived whole.

A file that is still being copied looks like a company that shrank. So: wait until nothing moves, ask for the marker if
there is one, and look again afterwards. Contents are none of this room's business.
"""

from __future__ import annotations

import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from connectors.errors import ConnectorError, RetryableError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
"""What is read of a folder (any case). Hidden files are left out: editors and file servers keep their own there."""
_POLLS = 4
"""How often a file is looked at within `settle_seconds`."""
_PATIENCE = 10
"""After so many times `settle_seconds` a file that still moves is given up for now."""


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    mtime_ns: int
    inode: int


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path into the error tree.

    Raises:
        UnreadableError: it is not there, or may not be read.
        RetryableError: anything else (a network drive that went away).
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableError(
            f"{path.name} is not there", where=str(path), cure="correct `path`, or have the export written there"
        ) from error
    except PermissionError as error:
        raise UnreadableError(
            f"{path.name} may not be read", where=str(path), cure="give the daemon's user the right to read it"
        ) from error
    except OSError as error:
        raise RetryableError(
            f"{path.name} could not be read: {error.strerror or error}", where=str(path), cure="read again later"
        ) from error


def stamps(path: Path, marker: Path | None) -> dict[Path, Stamp]:
    """Every file to be read, sorted by name, and its state now.

    Raises:
        UnreadableError: nothing there that could be read.
        RetryableError: the drive did not answer.
    """
    with reading(path):
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            return {path: _stamp(path)}
        waiting_for = None if marker is None else marker_path(path, marker)
        names = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
        files = {p: _stamp(p) for p in names if p != waiting_for and not p.is_dir()}
    if not files:
        raise UnreadableError(
            f"{path.name} holds no .csv, .tsv or .txt file", where=str(path), cure="have the export written there"
        )
    return files


def _stamp(file: Path) -> Stamp:
    with reading(file):
        found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableError(f"{file.name} is no ordinary file", where=str(file), cure="name a CSV file or a folder")
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)


def marker_path(path: Path, marker: Path) -> Path:
    """Where the marker is: inside the folder, or beside the file."""
    return (path if path.is_dir() else path.parent) / marker


def arrived(
    path: Path, marker: Path | None, settle_seconds: float, sleep: Callable[[float], None], clock: Callable[[], float]
) -> dict[Path, Stamp]:
    """Wait until the files have been the same for `settle_seconds`; at once when they are older than that.

    Raises:
        UnreadableError: nothing there that could be read.
        RetryableError: they still change after 10 x `settle_seconds`, or the marker is missing or older than a file.
    """
    if "\0" in f"{path}{marker}":
        raise UnreadableError("a path cannot hold a NUL", where=repr(str(path)), cure="correct `path` or `marker`")
    files = stamps(path, marker)
    _require_marker(path, marker, files)
    if clock() - max(stamp.mtime_ns for stamp in files.values()) / 1e9 >= settle_seconds:
        return files
    quiet = 0
    # Time is counted by naps, not by the clock: a clock that is set back cannot make this wait for ever.
    for _ in range(_POLLS * _PATIENCE):
        sleep(settle_seconds / _POLLS)
        fresh = stamps(path, marker)
        quiet = quiet + 1 if fresh == files else 0
        files = fresh
        if quiet == _POLLS:
            _require_marker(path, marker, files)
            return files
    raise RetryableError(
        f"{path.name} is still being written after {_PATIENCE * settle_seconds:g} seconds",
        where=str(path),
        cure="read again when the export has ended, or have it written elsewhere and moved here",
    )


def _require_marker(path: Path, marker: Path | None, files: Mapping[Path, Stamp]) -> None:
    if marker is None:
        return
    file = marker_path(path, marker)
    try:
        written = file.stat().st_mtime_ns
    except FileNotFoundError:
        raise RetryableError(
            f"{path.name} waits for its marker {marker}", where=str(file), cure="the export writes it when it has ended"
        ) from None
    except OSError as error:
        raise UnreadableError(
            f"the marker {marker} may not be looked at: {error.strerror}", where=str(file), cure="correct `marker`"
        ) from error
    for newer in (data for data, stamp in files.items() if stamp.mtime_ns > written):
        raise RetryableError(
            f"{path.name} waits for its marker {marker}, which is older than {newer.name}",
            where=str(file),
            cure="the export writes it when it has ended",
        )


def moved(before: Mapping[Path, Stamp], path: Path, marker: Path | None) -> tuple[str, ...]:
    """What changed since `before`, as sentences; none when everything is as it was."""
    try:
        now = stamps(path, marker)
    except ConnectorError as error:
        return (f"{error.what}, after it was read",)
    differing = sorted(file for file in before.keys() | now.keys() if before.get(file) != now.get(file))
    return tuple(f"{file.name} changed while it was read" for file in differing)
