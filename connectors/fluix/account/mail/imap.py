"""A folder on an IMAP server (RFC 3501): unseen messages are read without being marked, and marked when they are done with."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterable, Iterator
from typing import Any, Self

from connectors.errors import ConnectorError, PermanentError, RetryableError
from connectors.fluix.account.connection import chunks
from connectors.fluix.account.mail.box_settings import Imap
from connectors.fluix.account.mail.reports import MAX_BYTES
from connectors.fluix.account.mail.texts import clean


class ImapBox:
    """One session.

    Args:
        settings: the server and the folder.

    Raises:
        ConnectorError: it cannot be reached, or does not let us in.
    """

    def __init__(self, settings: Imap) -> None:
        self._settings = settings
        self._where = f"{settings.host}:{settings.port}"
        password = settings.password()
        with self._translated():
            self._imap = _connected(settings)
        try:
            self._enter(settings, password)
        except BaseException:
            _hang_up(self._imap)
            raise

    def _enter(self, settings: Imap, password: str) -> None:
        with self._translated():
            _log_in(self._imap, settings.user, password)
            typ, said = self._imap.select(_quoted(_utf7(settings.folder)))
        if typ != "OK":
            what = f'the folder "{settings.folder}" cannot be opened: {_text(said)}'
            raise PermanentError(what, where=self._where, cure="check `folder`")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """UID and content of each unseen message."""
        for uid in self._unseen():
            with self._translated():
                typ, data = self._imap.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_BYTES}>)")
            content = next((part[1] for part in data if isinstance(part, tuple)), None)
            if typ == "OK" and content is not None:  # otherwise somebody deleted it meanwhile
                yield uid, content

    def _unseen(self) -> list[str]:
        with self._translated():
            typ, data = self._imap.uid("SEARCH", "UNSEEN")
        if typ != "OK":
            raise RetryableError(f"the folder cannot be searched: {_text(data)}", where=self._where)
        return data[0].decode("ascii", "replace").split() if data and data[0] else []

    def seen(self, keys: Iterable[str]) -> None:
        """Mark messages as seen."""
        for part in chunks(keys):
            with self._translated():
                typ, said = self._imap.uid("STORE", ",".join(part), "+FLAGS.SILENT", r"(\Seen)")
            if typ != "OK":
                cure = "give this user the right to mark messages (`s`), or they are read again each time"
                raise PermanentError(f"messages cannot be marked as seen: {_text(said)}", where=self._where, cure=cure)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, imaplib.IMAP4.error, UnicodeError) as error:
            raise _as_connector_error(error, self._where) from error


def _connected(settings: Imap) -> imaplib.IMAP4:
    seconds = settings.timeout.total_seconds()
    context = ssl.create_default_context()
    if settings.security == "tls":
        return imaplib.IMAP4_SSL(settings.host, settings.port, ssl_context=context, timeout=seconds)
    imap = imaplib.IMAP4(settings.host, settings.port, timeout=seconds)
    if settings.security == "starttls":
        try:
            imap.starttls(context)
        except BaseException:
            _hang_up(imap)
            raise
    return imap


def _hang_up(imap: imaplib.IMAP4) -> None:
    with contextlib.suppress(OSError):
        imap.shutdown()


def _log_in(imap: imaplib.IMAP4, user: str, password: str) -> None:
    try:
        if "AUTH=PLAIN" in imap.capabilities:
            proof = f"\0{user}\0{password}".encode()
            imap.authenticate("PLAIN", lambda _challenge: proof)
        else:
            imap.login(_quoted(user), password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise _LoginError(*error.args) from error


class _LoginError(imaplib.IMAP4.error):
    """The server answers, and does not let us in."""


def _as_connector_error(error: Exception, where: str) -> ConnectorError:
    reason = _text(error.args[:1]) if isinstance(error, imaplib.IMAP4.error) else clean(str(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        cure = "use the name that the certificate has, or give this machine the authority that signed it"
        return PermanentError(
            f"the mailbox server's certificate is not trusted: {error.verify_message}", where=where, cure=cure
        )
    if isinstance(error, ssl.SSLError):
        cure = "check `security` and `port`: tls goes with 993, starttls with 143"
        return PermanentError(f"the mailbox server cannot be reached encrypted: {reason}", where=where, cure=cure)
    if isinstance(error, _LoginError):
        cure = "check `user` and `password`"
        return PermanentError(f"the mailbox server does not let us in: {reason}", where=where, cure=cure)
    if isinstance(error, UnicodeError):
        return PermanentError(
            "the mailbox server's name or user is not ASCII", where=where, cure="check `host` and `user`"
        )
    cure = "check `host`, `port` and `security`; what was read is kept"
    return RetryableError(f"the mailbox server does not answer: {reason}", where=where, cure=cure)


def _text(said: Iterable[Any]) -> str:
    texts = (part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in said if part)
    return clean(" ".join(texts))[:500] or "no reason given"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _utf7(folder: str) -> str:
    """A folder's name as RFC 3501 (5.1.3) writes it: `Zurück` is `Zur&APw-ck`."""

    def shifted(found: re.Match[str]) -> str:
        code = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{code}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, folder.replace("&", "&-"))
