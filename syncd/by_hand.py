"""What a person does by hand to the embedded account, by a command or in the console.

Never in the middle of a run, and always in the audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.signing_in import SignIn
from syncd.bootstrap import App
from syncd.errors import LockedError, UsageError
from syncd.sayings import Said
from syncd.store import ledger
from syncd.store.audit import Event, append
from syncd.store.engine import writing
from syncd.store.lock import run_lock


def embedded(app: App) -> EmbeddedAccount:
    """The embedded account.

    Raises:
        UsageError: the target is another one.
    """
    target = app.target()
    if not isinstance(target, EmbeddedAccount):
        raise UsageError(
            Said("this is about the embedded account, and the target is %(type)s", type=app.config.target.type),
            cure=Said("set `target: {type: account}`, or use Fluix's Admin Portal"),
        )
    return target


def signing_in(app: App) -> SignIn:
    """Signing in to the embedded account.

    Raises:
        UsageError: the target is another one.
    """
    embedded(app)
    settings = app.config.target.settings
    assert isinstance(settings, Settings)
    return SignIn(app.store, app.clock, settings)


@contextmanager
def by_hand(app: App, who: str, action: str, subject: str, **detail: Any) -> Iterator[dict[str, Any]]:
    """A change that a person makes by hand: never in the middle of a run, and in the audit once it is done.

    Args:
        app: the program.
        who: the person, for the audit.
        action: as the command is called: `users edit`.
        subject: whom or what it is about.
        detail: what else the audit is told.

    Yields:
        The audit's detail, for what is known only afterwards.

    Raises:
        LockedError: a run is under way.
    """
    with ExitStack() as stack:
        try:
            store = stack.enter_context(run_lock(app.store, f"syncd {action}", app.clock()))
        except LockedError as error:
            error.cure = "wait until it ends, then do this again"
            raise
        yield detail
        with writing(store) as connection:
            append(connection, [Event(who, action, subject, detail)], app.clock())


def delete_user(app: App, who: str, email: str, documents_to: str | None = None) -> None:
    """Delete one user; what the user had is kept in the restore ledger.

    Args:
        app: the program.
        who: the person who deletes.
        email: whom.
        documents_to: who gets the documents first; None: they go with the user.

    Raises:
        PermanentError: the user, or who is to take the documents, is not there.
        RefusedError: owner, last admin, or still in a workflow.
        LockedError: a run is under way.
    """
    target = embedded(app)
    detail = {"documents_to": documents_to} if documents_to else {}
    with by_hand(app, who, "users delete", email, **detail):
        user = target.show_user(email)
        with ledger.by_hand(app.store, user, who, app.clock, documents_to):
            target.delete_user(email, documents_to=documents_to)
