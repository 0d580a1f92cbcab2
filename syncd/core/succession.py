"""Who takes over a leaver's documents: up the chain of managers to the first who stays and has an account. Pure."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Succession:
    """Where the chain of managers led."""

    email: str | None
    """Who takes over; None: nobody does."""
    chain: tuple[str, ...] = ()
    """Who was met on the way and does not, each with the reason."""


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
        if found.email and found.stays:
            return Succession(found.email, tuple(chain))
        chain.append(f"{manager} {'leaves as well' if found.email else 'has no account'}")
        manager = found.manager
    else:
        chain.append(f"{manager} again")
    return Succession(None, tuple(chain))
