"""The portal as a target: the state is the last export, and a step is not done but ordered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import get_args

from connectors.base import Capabilities
from connectors.errors import ConnectorError
from connectors.fluix.portal import delivery, notice
from connectors.fluix.portal.book import Book, Holding, Item, NoticeState, Order, Why
from connectors.fluix.portal.export import Export, read_export
from connectors.fluix.portal.guards import require_believable
from connectors.fluix.portal.imports import cells_for, fits
from connectors.fluix.portal.notice import Notice
from connectors.fluix.portal.proof import View, closed_by, contradiction, moves, name_users, provable, shows
from connectors.fluix.portal.settings import PortalSettings
from connectors.fluix.portal.words import placed
from connectors.model import (
    Account,
    AccountGroup,
    Certificate,
    Dossier,
    Outcome,
    Step,
    Verb,
    normalise_email,
    normalise_name,
)
from connectors.ordering import Outstanding, identity


class PortalTarget:
    """The real Fluix, with an admin in the loop.

    Args:
        book: keeps the last export and the orders.
        clock: tells the time (aware, UTC).
        settings: see there.
        teller: tells a Taskstream of an order; None: nobody is told.
        sleep, seconds: for waiting until a file is written whole; to be replaced in tests.
    """

    def __init__(
        self,
        book: Book,
        clock: Callable[[], datetime],
        settings: PortalSettings,
        teller: Notice | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self.capabilities = Capabilities(frozenset(get_args(Verb)), knows_dossier=False)
        self.book = book
        self.settings = settings
        self._clock = clock
        self._teller = teller
        self._sleep = sleep
        self._seconds = seconds

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Read the newest export; what it shows to be done is closed before the first user is handed over.

        Raises:
            ConnectorError: there is none, it cannot be read whole, or is not to be believed. Nothing of it is kept.
        """
        export, before, unfinished = self._believed()
        moving = moves(unfinished)
        holdings = name_users(export.rows, before, moving)
        view = View({holding.fluix_id: holding for holding in holdings}, export.last.states_told)
        self.book.take(export.last, holdings, closed_by(view, unfinished), self._clock())
        groups = self._groups(holdings)
        for key, name in sorted(groups.items()):
            yield AccountGroup(key, name)
        for holding in holdings:
            yield holding.account
        yield Certificate(len(holdings), len(groups))

    def _believed(self) -> tuple[Export, dict[str, str], list[Item]]:
        """The newest export, who was in the last one (id -> address), and what waits."""
        settings = self.settings.export
        export = read_export(settings, self._sleep, self._seconds)
        before = {fluix_id: normalise_email(user.email) for fluix_id, user in self.book.holdings().items()}
        unfinished = self.book.unfinished()
        leaving = {item.fluix_id for item in unfinished if item.verb == "delete_user"} | moves(unfinished).keys()
        addresses = [address for fluix_id, address in before.items() if fluix_id in leaving]
        last, now = self.book.last_export(), self._clock()
        require_believable(export, last, before.values(), addresses, settings=settings, now=now)
        return export, before, unfinished

    def _groups(self, holdings: Iterable[Holding]) -> dict[str, str]:
        """Every group that is known: those with members, and those that an admin said were made."""
        names = {normalise_name(name): name for name in self.book.made_groups()}
        for holding in holdings:
            names.update((normalise_name(name), name) for name in holding.groups)
        return names

    def get(self, fluix_ids: Iterable[str]) -> Mapping[str, Account]:
        """The users of these ids as the last export told of them."""
        return {fluix_id: holding.account for fluix_id, holding in self.book.holdings(fluix_ids).items()}

    def dossiers(self, fluix_ids: Iterable[str]) -> Mapping[str, Dossier]:
        """What the last export told: a role if it has such a column. Everything else is unknown, and so never safe."""
        found = self.book.holdings(fluix_ids)
        return {fluix_id: Dossier(fluix_id, role=holding.role) for fluix_id, holding in found.items()}

    def seats(self) -> None:
        """What happens past the number of licences is not known."""

    def apply(self, steps: Sequence[Step]) -> Sequence[Outcome]:
        """Put the steps into the order that is being collected. What waits in an earlier one is not ordered again."""
        wishes = {step.operation_id: identity(step.verb, step.fluix_id, step.values) for step in steps}
        waiting, ordered = self.book.waiting(wishes.values(), wishes)
        view = self._view(steps)
        outcomes: dict[str, Outcome] = {}
        fresh: list[Step] = []
        for step in steps:
            if step.operation_id in outcomes:
                continue
            wish = wishes[step.operation_id]
            place = ordered.get(step.operation_id) or waiting.get(wish)
            if not place and step.operation_id in ordered:
                outcomes[step.operation_id] = Outcome(
                    step.operation_id, "failed", step.fluix_id, "was withdrawn: make a new plan"
                )
            elif place:
                outcomes[step.operation_id] = Outcome(step.operation_id, "ordered", step.fluix_id, f"waits in {place}")
            elif ended := _ended(step, view):
                outcomes[step.operation_id] = ended
            else:
                waiting[wish] = "the same work order"
                fresh.append(step)
        if fresh:
            name = self.book.collect(self._items(fresh, wishes), self._clock())
            for step in fresh:
                outcomes[step.operation_id] = Outcome(
                    step.operation_id, "ordered", step.fluix_id, f"in work order {name}"
                )
        return [outcomes[step.operation_id] for step in steps]

    def _view(self, steps: Sequence[Step]) -> View:
        """What the last export told of these steps' users."""
        addresses = [normalise_email(str(step.values["email"])) for step in steps if step.verb == "create_user"]
        users = self.book.holdings([step.fluix_id for step in steps if step.fluix_id])
        there = self.book.holdings_at(addresses)
        last = self.book.last_export()
        told = last is not None and last.states_told
        return View({**users, **{holding.fluix_id: holding for holding in there.values()}}, told)

    def _items(self, steps: Sequence[Step], wishes: Mapping[str, str]) -> list[Item]:
        now = self._clock()
        whys = self.book.whys(step.operation_id for step in steps)
        receivers = self.book.holdings([str(step.values["to"]) for step in steps if step.values.get("to")])
        items: list[Item] = []
        for step in steps:
            why = whys.get(step.operation_id) or Why(step.verb, step.fluix_id or str(step.values.get("email", "")))
            values = dict(step.values)
            if receiver := receivers.get(str(values.get("to", ""))):
                values["to"] = receiver.email
            wish = wishes[step.operation_id]
            item = Item(step.operation_id, step.operation_id, wish, step.verb, step.fluix_id, values, why, now)
            items += self._new_person(item) if step.verb == "create_user" else [item]
        return items

    def _new_person(self, item: Item) -> Iterator[Item]:
        """A row of the import if that is possible, and one item for each group that such a row cannot hold."""
        imports, values = self.settings.imports, item.values
        name, email, groups = str(values["display_name"]), str(values["email"]), values["groups"]
        assert isinstance(groups, tuple)
        in_import = fits(name, email, imports)
        by_hand = () if in_import and cells_for(groups, imports) is not None else groups
        row_groups = () if by_hand else groups
        yield replace(item, values={**values, "groups": row_groups}, in_import=in_import)
        fluix_id = normalise_email(email)
        for group in by_hand:
            member: dict[str, str | tuple[str, ...]] = {"group": group}
            why = Why(f"add_member:{email}:{group}", email, item.why.reason, item.why.approved_by)
            yield Item(
                f"{item.operation_id}:{group}",
                item.of,
                identity("add_member", fluix_id, member),
                "add_member",
                fluix_id,
                member,
                why,
                item.ordered_at,
            )

    def outstanding(self) -> Sequence[Outstanding]:
        """What waits; see `connectors.ordering`."""
        last, items = self.book.last_export(), self.book.unfinished()
        known = self.book.holdings([item.fluix_id for item in items if item.confirmed_at and item.fluix_id])
        return [
            Outstanding(
                f"w{item.order}",
                item.why.key,
                item.identity,
                item.ordered_at,
                item.withdrawn_at is not None,
                contradiction(item, last, known),
            )
            for item in items
        ]

    def withdraw(self, unwanted: Mapping[str, str]) -> None:
        """Say what is not wanted at present."""
        self.book.withdraw(unwanted, self._clock())

    def troubles(self) -> Sequence[str]:
        """What did not work when a Taskstream was to be told."""
        return list(notice.troubles(self.book))

    def deliver(self) -> None:
        """Write the order that was collected, and tell of it.

        Raises:
            RetryableError: it cannot be written.
        """
        order = self.book.collected()
        if order is not None:
            order = replace(order, items=tuple(placed(order.items)))
            delivery.write_order(order, self.settings.imports, self.settings.orders)
            told: NoticeState = "due" if self._teller else "none"
            self.book.ready(order, self._clock(), told)
        if self._teller:
            self._teller.send_due(self.book, self._clock)

    def export_order(self, order: Order, folder: Path) -> Path:
        """Write an order once more, as it stands now. Returns its folder.

        Raises:
            RetryableError: it cannot be written.
        """
        return delivery.write_order(order, self.settings.imports, folder)

    def confirm(self, item: Item, by: str) -> bool:
        """A person says that an item was done. Returns whether that closes it: only where no export could show it."""
        closes = not provable(item.verb)
        self.book.confirm(item, by, self._clock(), closes=closes)
        return closes

    def check(self) -> Iterator[str]:
        """Whether there is an export that can be read and believed. Nothing of it is kept."""
        try:
            self._believed()
        except ConnectorError as error:
            yield f"{error.what} ({error.where}): {error.cure}"


def _ended(step: Step, view: View) -> Outcome | None:
    """A step that need not be ordered, or cannot be; None for every other."""
    there = view.holdings.get(step.fluix_id or "")
    if step.verb == "create_user":
        if there := view.by_address.get(normalise_email(str(step.values["email"]))):
            return Outcome(step.operation_id, "failed", None, f"a user {there.email} already exists in the last export")
        return None
    if shows(view, step.verb, step.fluix_id, step.values):
        return Outcome(step.operation_id, "done", step.fluix_id, "the last export shows it")
    if step.fluix_id and there is None:
        return Outcome(step.operation_id, "failed", step.fluix_id, f"the last export has no user {step.fluix_id}")
    if step.verb == "resend_invite" and view.states_told and there and there.state == "active":
        return Outcome(step.operation_id, "failed", step.fluix_id, f"{there.email} has logged in already")
    return None
