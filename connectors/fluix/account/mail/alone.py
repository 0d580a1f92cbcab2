"""One process sends at a time: what is marked as being sent while nobody holds this lock, a dead process left behind."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text

from connectors.errors import RetryableError

_LOCK = 0x666C756D
"""First key of PostgreSQL's advisory locks; the second is the account's."""


@contextlib.contextmanager
def sending_alone(engine: Engine, account: str) -> Iterator[None]:
    """Hold the lock, which the system lets go when the process ends, however it ends.

    Raises:
        RetryableError: another process is sending, or the lock cannot be taken.
    """
    if engine.dialect.name == "postgresql":
        # Through PgBouncer a session's lock would be lost with the transaction: then another engine stands beside this one.
        own: Engine = engine.get_execution_options().get("direct", engine)
        with own.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            number = int.from_bytes(hashlib.blake2b(account.encode(), digest_size=4).digest(), signed=True)
            keys = {"lock": _LOCK, "account": number}
            if not connection.execute(text("SELECT pg_try_advisory_lock(:lock, :account)"), keys).scalar():
                raise _busy(engine)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock, :account)"), keys)
        return
    database = engine.url.database
    if not database or database == ":memory:":
        yield
        return
    path = Path(f"{database}.mail.lock")
    try:
        file = path.open("a")
    except OSError as error:
        cure = "give this user the right to write the store's folder"
        raise RetryableError(
            f"the lock of the mails cannot be taken: {error.strerror}", where=str(path), cure=cure
        ) from error
    with file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy(engine) from error
        yield


def _busy(engine: Engine) -> RetryableError:
    where = engine.url.render_as_string(hide_password=True)
    return RetryableError(
        "the mails are being sent already", where=where, cure="wait until the other process has ended"
    )
