"""One account in a store, with what its methods share: its transactions, its clock, its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine

from connectors.fluix.account import seats
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.mail import resending
from connectors.fluix.account.settings import DEFAULTS, Settings


class OpenAccount:
    """What every part of the account's class stands on.

    Args:
        engine: of the store that holds the account's tables.
        clock: tells the time (aware, UTC) of what happens.
        settings: what the account's owner can set, and its name: a store can hold several accounts.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], settings: Settings = DEFAULTS) -> None:
        self._engine = engine.execution_options(**{resending.INVITATIONS: settings.invitations})
        self._clock = clock
        self._settings = settings

    @property
    def name(self) -> str:
        """The account's name."""
        return self._settings.name

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._limited(reading(self._engine, self._settings.name))

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._limited(writing(self._engine, self._settings.name))

    @contextmanager
    def _limited(self, transaction: AbstractContextManager[Connection]) -> Iterator[Connection]:
        with transaction as connection:
            yield seats.limited(connection, self._settings.seats)
