"""The account as a target, and with the functions that its admins have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, inspect

from connectors.base import Capabilities
from connectors.errors import ConnectorError
from connectors.fluix.account import admin, applying, dossiers, reading, rehearsal
from connectors.fluix.account.connection import reading as reading_from
from connectors.fluix.account.connection import writing
from connectors.fluix.account.settings import DEFAULTS, Settings
from connectors.fluix.account.tables import account_metadata
from connectors.fluix.csv_files import ImportRow
from connectors.model import Account, AccountGroup, Certificate, Dossier, Outcome, Step


class EmbeddedAccount:
    """A Fluix account over our own store.

    Args:
        engine: of the store that holds the account's tables.
        clock: tells the time (aware, UTC) of what happens.
        settings: what the account's owner can set, and its name: a store can hold several accounts.
    """

    capabilities = Capabilities(frozenset(applying.VERBS), knows_dossier=True)

    def __init__(self, engine: Engine, clock: Callable[[], datetime], settings: Settings = DEFAULTS) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading_from(self._engine, self._settings.name)

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._settings.name)

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Stream every group, then every user, then the certificate.

        Raises:
            ConnectorError: the store could not be read.
        """
        with self._reading() as connection:
            yield from reading.stream(connection)

    def get(self, fluix_ids: Iterable[str]) -> Mapping[str, Account]:
        """The users of these ids; who is not there is left out."""
        with self._reading() as connection:
            return reading.accounts(connection, fluix_ids)

    def dossiers(self, fluix_ids: Iterable[str]) -> Mapping[str, Dossier]:
        """What makes deleting these users dangerous; who is not there is left out."""
        with self._reading() as connection:
            return dossiers.dossiers(connection, fluix_ids)

    def apply(self, steps: Sequence[Step]) -> Sequence[Outcome]:
        """Do the steps in one transaction; see `connectors.base.Target`.

        Raises:
            ConnectorError: the store could not be written; then nothing was done.
        """
        with self._writing() as connection:
            return applying.apply(connection, steps, self._clock())

    def check(self) -> Iterator[str]:
        """Whether the store answers and has the account's tables."""
        try:
            with self._reading() as connection:
                missing = sorted(set(account_metadata.tables) - set(inspect(connection).get_table_names()))
        except ConnectorError as error:
            yield f"{error.what} ({error.where}): {error.cure}"
            return
        if missing:
            where = self._engine.url.render_as_string(hide_password=True)
            yield f"the account's tables are missing ({where}): {', '.join(missing)}; run `syncd store upgrade`"

    def list_users(
        self, search: str | None = None, state: str | None = None, group: str | None = None
    ) -> list[dict[str, Any]]:
        """Users by email: email, name, state, role, owner, groups. `search` is part of a name or email, in any case."""
        with self._reading() as connection:
            return admin.list_users(connection, search, state, group)

    def show_user(self, email: str) -> dict[str, Any]:
        """Everything that the account holds of one user.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            return admin.show_user(connection, email)

    def add_user(self, name: str, email: str, groups: Iterable[str] = ()) -> str:
        """Add a user, who is invited. Returns the id.

        Raises:
            RefusedError: the email exists or is none, or a group is missing.
        """
        with self._writing() as connection:
            return admin.add_user(connection, name, email, groups, self._clock())

    def import_users(self, rows: Iterable[ImportRow], *, create_groups: bool = False) -> int:
        """Add the new ones of an import, with invitations. Returns how many.

        Raises:
            RefusedError: a group is missing, and `create_groups` is off; then nobody is added.
        """
        with self._writing() as connection:
            return admin.import_users(connection, rows, create_groups=create_groups, now=self._clock())

    def addresses(self) -> set[str]:
        """The emails of all users, as they are compared."""
        with self._reading() as connection:
            return admin.addresses(connection)

    def invite(self, email: str) -> None:
        """Resend the invitation of a user who never logged in.

        Raises:
            RefusedError: the user logged in already.
        """
        with self._writing() as connection:
            admin.invite(connection, email, self._clock())

    def delete_user(self, email: str) -> None:
        """Delete a user.

        Raises:
            RefusedError: owner, last admin, or still in a workflow.
        """
        with self._writing() as connection:
            admin.delete_user(connection, email, self._clock())

    def load(self, data: Mapping[str, Any], *, replace: bool = False) -> dict[str, int]:
        """Put a copy of an account in: merged with what is there, or (`replace`) instead of it.

        Returns:
            How many users, groups, workflows and documents the copy holds.

        Raises:
            PermanentError: the copy has problems; all of them are named, and nothing is written.
        """
        with self._writing() as connection:
            return rehearsal.load(connection, data, replace=replace, now=self._clock())

    def dump(self) -> dict[str, Any]:
        """The account as one plain structure: users, groups, workflows, documents, each sorted."""
        with self._reading() as connection:
            return rehearsal.dump(connection)
