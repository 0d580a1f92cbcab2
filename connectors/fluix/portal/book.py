"""What the portal remembers between runs: the last export, who is who in it, and every work order.

Values, and the interface to whoever keeps them (`syncd.store.orders`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from connectors.model import Account, AccountState, Verb

NoticeState = Literal["none", "due", "sending", "sent", "refused"]
"""Of telling a Taskstream: `sending` that never ended may or may not have arrived, and is never sent again."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One user as an export told of him or her."""

    fluix_id: str
    email: str
    display_name: str
    groups: frozenset[str] = frozenset()
    state: AccountState = "active"
    role: str | None = None
    """None: the export does not tell."""

    @property
    def account(self) -> Account:
        """As the engine knows users."""
        return Account(self.fluix_id, self.email, self.display_name, self.state, self.groups)


@dataclass(frozen=True, slots=True)
class LastExport:
    """The export that was read last."""

    file: str
    dated_at: datetime
    """When it was made, as its name or its modification time says."""
    digest: bytes
    users: int
    final_break: bool
    """Whether its last line was ended."""
    states_told: bool = False
    """Whether it told who never logged in."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is ordered."""

    key: str
    """The change's, as `syncd show` lists it."""
    user: str
    """The email under which the account is known."""
    reason: str = ""
    approved_by: str = ""
    """Empty: it needed no approval."""
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that an admin is asked to do."""

    operation_id: str
    of: str
    """The operation of the plan that asked for it: its own, or for a new person's group that of the new person."""
    identity: str
    verb: Verb
    fluix_id: str | None
    values: Mapping[str, str | tuple[str, ...]]
    why: Why
    ordered_at: datetime
    in_import: bool = False
    """Whether a row of an import file does it."""
    order: int = 0
    place: int = 0
    """Its number inside the order, from 1."""
    closed_at: datetime | None = None
    """When it was seen to be done, or believed where no export could show it."""
    confirmed_at: datetime | None = None
    confirmed_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_why: str = ""
    told_in: int | None = None
    """The order in which its withdrawal was told."""

    @property
    def open(self) -> bool:
        """Whether it is still to be done."""
        return self.closed_at is None and self.withdrawn_at is None


@dataclass(frozen=True, slots=True)
class Order:
    """One work order."""

    number: int
    created_at: datetime
    items: tuple[Item, ...] = ()
    stops: tuple[Item, ...] = ()
    """Items of earlier orders that must not be done any more."""
    ready_at: datetime | None = None
    notice: NoticeState = "none"
    notice_at: datetime | None = None
    notice_text: str = ""

    @property
    def name(self) -> str:
        """As people call it: `w3`."""
        return f"w{self.number}"


@dataclass(frozen=True, slots=True)
class Closed:
    """An item that an export shows to be done."""

    item: Item
    fluix_id: str | None
    groups: tuple[str, ...] = ()
    """For a new person: those of the wanted groups that the export shows."""


class Book(Protocol):
    """Keeps everything of one portal."""

    def last_export(self) -> LastExport | None:
        """The export that was read last; None before the first."""
        ...

    def holdings(self, fluix_ids: Iterable[str] | None = None) -> dict[str, Holding]:
        """The users of the last export by id: these, or all."""
        ...

    def holdings_at(self, addresses: Iterable[str]) -> dict[str, Holding]:
        """The users of the last export with these addresses (as compared), by address."""
        ...

    def take(self, export: LastExport, holdings: Iterable[Holding], closed: Sequence[Closed], now: datetime) -> None:
        """Keep a new export in the place of the last, and what it shows to be done, all in one."""
        ...

    def whys(self, operation_ids: Iterable[str]) -> dict[str, Why]:
        """Why these operations are wanted, by operation."""
        ...

    def waiting(self, identities: Iterable[str], operation_ids: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Which of these wishes wait already, and which operations were ordered ever.

        Returns:
            identity -> order, and operation -> order, or an empty text where it was withdrawn.
        """
        ...

    def unfinished(self) -> list[Item]:
        """Every item that is not closed, withdrawn ones too, in their order."""
        ...

    def made_groups(self) -> list[str]:
        """Groups that an admin said were made; an export cannot show a group without members."""
        ...

    def collect(self, items: Sequence[Item], now: datetime) -> str:
        """Put items into the order that is being collected; begins one if there is none. Returns its name."""
        ...

    def withdraw(self, why: Mapping[str, str], now: datetime) -> None:
        """Withdraw the unfinished items with these identities; wanted again is every other."""
        ...

    def collected(self) -> Order | None:
        """The order that is being collected, with the withdrawals that nobody was told of; None: nothing is to be told."""
        ...

    def ready(self, order: Order, now: datetime, notice: NoticeState) -> None:
        """The order's files are there, with its items numbered so.

        What it says is not to be done any more is closed: if that is wanted again, it is ordered anew.
        """
        ...

    def order(self, number: int) -> Order | None:
        """One order that was handed over."""
        ...

    def orders(self) -> list[Order]:
        """All orders, the newest first, with their items."""
        ...

    def confirm(self, item: Item, by: str, now: datetime, *, closes: bool) -> None:
        """A person says that it was done; `closes` where no export could show it."""
        ...

    def notices(self, *states: NoticeState) -> list[Order]:
        """The orders (without items) whose notice is in one of these states, the oldest first."""
        ...

    def note(self, number: int, state: NoticeState, text: str, now: datetime) -> None:
        """Keep what became of an order's notice; written before and after sending."""
        ...

    def calls_since(self, moment: datetime) -> list[datetime]:
        """When the webhook was called since then, in order; what is older is forgotten."""
        ...

    def called(self, now: datetime) -> None:
        """The webhook is about to be called."""
        ...
