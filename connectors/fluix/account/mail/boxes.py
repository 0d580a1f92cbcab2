"""Mailboxes that bounces come into: an mbox file, a Maildir, or a folder on an IMAP server.

Nothing is deleted. An mbox is only read; in a Maildir and on IMAP what was read is marked as seen, and not read again.
"""

from __future__ import annotations

import contextlib
import mailbox
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from connectors.errors import PermanentError, RetryableError, UnreadableError
from connectors.fluix.account.mail.box_settings import BounceSettings
from connectors.fluix.account.mail.imap import ImapBox
from connectors.fluix.account.mail.reports import MAX_BYTES


class Box(Protocol):
    """What is asked of a mailbox."""

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """Key and content of each message that was not read; of a long one only the beginning.

        Raises:
            ConnectorError: the mailbox cannot be read.
        """
        ...

    def seen(self, keys: Iterable[str]) -> None:
        """These are done with.

        Raises:
            ConnectorError: the mailbox cannot be written.
        """
        ...


@contextlib.contextmanager
def open_box(settings: BounceSettings) -> Iterator[Box]:
    """Open what is configured.

    Raises:
        ConnectorError: it is not there, or no mailbox.
    """
    if settings.imap is not None:
        with ImapBox(settings.imap) as box:
            yield box
        return
    if settings.path is None:
        raise PermanentError("no mailbox for bounces is configured", cure="name one: `syncd account bounces PATH`")
    try:
        yield _Maildir(settings.path) if settings.path.is_dir() else _Mbox(settings.path)
    except OSError as error:
        cure = "check its path and its rights"
        reason = error.strerror or str(error)
        raise RetryableError(f"the mailbox cannot be read: {reason}", where=str(settings.path), cure=cure) from error


class _Mbox:
    """A file of messages, each behind a line that begins with "From "."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise PermanentError("the mailbox is not there", where=str(path), cure="check the path")
        if not path.is_file():
            raise UnreadableError(
                "the mailbox is no file and no folder", where=str(path), cure="name an mbox or a Maildir"
            )
        with path.open("rb") as file:
            if file.read(5) not in {b"", b"From "}:
                cure = 'name an mbox file, whose messages begin with a line "From …", or a Maildir'
                raise UnreadableError("the file is no mbox", where=str(path), cure=cure)
        self._path = path

    def messages(self) -> Iterator[tuple[str, bytes]]:
        box = mailbox.mbox(self._path, create=False)
        try:
            for key in box.iterkeys():
                with box.get_file(key) as file:
                    yield str(key), file.read(MAX_BYTES)
        finally:
            box.close()

    def seen(self, keys: Iterable[str]) -> None:
        """The file belongs to whoever delivers into it; what was read before tells nothing new the next time."""


class _Maildir:
    """A folder with `new`, `cur` and `tmp`."""

    def __init__(self, path: Path) -> None:
        if missing := [name for name in ("cur", "new", "tmp") if not (path / name).is_dir()]:
            what = f"the folder is no Maildir: {', '.join(missing)} missing"
            raise UnreadableError(what, where=str(path), cure="name a Maildir or an mbox file")
        self._path = path

    def messages(self) -> Iterator[tuple[str, bytes]]:
        for folder in ("new", "cur"):
            for file in sorted((self._path / folder).iterdir()):
                if not file.name.startswith(".") and "S" not in _flags(file.name) and file.is_file():
                    with contextlib.suppress(FileNotFoundError), file.open("rb") as stream:
                        yield f"{folder}/{file.name}", stream.read(MAX_BYTES)

    def seen(self, keys: Iterable[str]) -> None:
        for key in keys:
            file = self._path / key
            flags = "".join(sorted({*_flags(file.name), "S"}))
            with contextlib.suppress(FileNotFoundError):  # somebody took it away meanwhile
                file.rename(self._path / "cur" / f"{file.name.partition(':2,')[0]}:2,{flags}")


def _flags(name: str) -> str:
    """What a mail program has marked: S is seen."""
    return name.partition(":2,")[2]
