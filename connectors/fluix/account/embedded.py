"""The account as a target, and with the functions that its admins have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import inspect

from connectors.base import Capabilities
from connectors.errors import ConnectorError
from connectors.fluix.account import applying, dossiers, reading, rehearsal
from connectors.fluix.account.managing_groups import GroupAdministration
from connectors.fluix.account.managing_users import UserAdministration
from connectors.fluix.account.tables import account_metadata
from connectors.model import Account, AccountGroup, Certificate, Dossier, Outcome, Step


class EmbeddedAccount(UserAdministration, GroupAdministration):
    """A Fluix account over our own store.

    Args:
        engine: of the store that holds the account's tables.
        clock: tells the time (aware, UTC) of what happens.
        settings: what the account's owner can set, and its name: a store can hold several accounts.
    """

    capabilities = Capabilities(frozenset(applying.VERBS), knows_dossier=True)

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

    def every_group(self) -> Sequence[AccountGroup]:
        """All groups."""
        with self._reading() as connection:
            return reading.every_group(connection)

    def find(self, emails: Iterable[str]) -> Mapping[str, Account]:
        """The users with one of these addresses; an address that nobody has is left out."""
        with self._reading() as connection:
            return reading.accounts(connection, reading.ids_at(connection, emails))

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
