"""Who takes over a leaver's documents: the first manager up the chain who stays and has an account, or a group's owner. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manager:
    """What is known of somebody who is named as a manager."""

    email: str | None
    """Of the account; None when there is none."""
    stays: bool
    """Whether the directory wants the account, for certain."""
    manager: str = ""
    """The manager's own manager, as the source writes it; empty when it names none."""

    @property
    def taker(self) -> str | None:
        """The email, if this person can take something over."""
        return self.email if self.stays else None

    @property
    def why_not(self) -> str:
        """Why this person takes nothing over."""
        return "leaves as well" if self.email else "has no account"


@dataclass(frozen=True, slots=True)
class Succession:
    """Where the chain of managers led."""

    email: str | None
    """Who takes over; None: nobody does."""
    chain: tuple[str, ...] = ()
    """Who was met on the way and does not, each with the reason."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who answers for a group."""

    name: str
    """As the source writes it."""
    group: str
    known: Manager | None
    """What is known of the owner; None when nothing is."""


def owner_of(owners: Iterable[Owner]) -> Succession:
    """The one person who owns groups of a leaver, stays, and has an account. Of several nobody is chosen by chance."""
    staying: dict[str, str] = {}
    chain = []
    for owner in owners:
        if owner.known and owner.known.taker:
            staying.setdefault(owner.known.taker, owner.group)
        else:
            why = owner.known.why_not if owner.known else "is unknown"
            chain.append(f"{owner.name}, who owns {owner.group}, {why}")
    if len(staying) == 1:
        return Succession(next(iter(staying)), tuple(chain))
    if staying:
        named = ", ".join(f"{email} owns {group}" for email, group in staying.items())
        return Succession(None, (f"several own its groups: {named}",))
    return Succession(None, tuple(chain) or ("no source names an owner of its groups",))


def successor(manager: str, find: Callable[[str], Manager | None]) -> Succession:
    """Walk up from a leaver's manager.

    Args:
        manager: the leaver's manager, as the source writes it (an external id or an email); empty: none is named.
        find: what is known of whoever is written so; None when nothing is.
    """
    chain: list[str] = []
    met: set[str] = set()
    while manager not in met:
        met.add(manager)
        found = find(manager) if manager else None
        if found is None:
            chain.append(f"{manager} is unknown" if manager else "nobody is named above")
            break
        if found.taker:
            return Succession(found.taker, tuple(chain))
        chain.append(f"{manager} {found.why_not}")
        manager = found.manager
    else:
        chain.append(f"{manager} again")
    return Succession(None, tuple(chain))
