"""Who tests pre-release apps: the members of the groups that the settings name, as TestFlight asks for them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connectors.errors import PermanentError
from connectors.fluix.account.admin.people import some
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.tables import memberships, users


@dataclass(frozen=True, slots=True)
class Tester:
    """One person who is to get an invitation by TestFlight."""

    first_name: str
    last_name: str
    """Empty where the name is one word."""
    email: str


def testers(connection: Connection, teams: Sequence[str]) -> list[Tester]:
    """The members of these groups, each once, by email.

    Raises:
        PermanentError: no groups are set, or one of them is not there.
    """
    if not teams:
        cure = "name groups in `target.early_access`"
        raise PermanentError("no groups are set whose members test pre-release apps", cure=cure)
    ids = group_ids(connection, teams)
    if len(ids) < len({*teams}):
        from_settings = [name for name in teams if not group_ids(connection, [name])]
        if from_settings:
            cure = "correct `target.early_access`, or create the group"
            raise PermanentError(f"there is no group {some(from_settings)}", where="target.early_access", cure=cure)
    members = select(memberships.c.user_id).where(memberships.c.group_id.in_(ids.values()))
    query = select(users.c.name, users.c.email).where(users.c.user_id.in_(members)).order_by(users.c.email_key)
    return [Tester(*split_name(name), email) for name, email in connection.execute(query)]


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a display name.

    `Berg, Anna` is written the other way round. Otherwise the last word is the last name, with the small words before it
    that belong to it (`Ludwig van Beethoven`). A name of one word has no last name.
    """
    last, comma, first = name.partition(",")
    if comma and first.strip() and last.strip():
        return first.strip(), last.strip()
    words = name.replace(",", " ").split()
    if len(words) < 2:  # noqa: PLR2004 - first and last
        return " ".join(words), ""
    at = len(words) - 1
    while at > 1 and words[at - 1].islower():
        at -= 1
    return " ".join(words[:at]), " ".join(words[at:])
