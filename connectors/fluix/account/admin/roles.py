"""A user's role: one at most, for the whole account or for some groups. Any role makes an admin; the owner stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, update

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.admin.people import checked_name, find, some
from connectors.fluix.account.dossiers import count_admins
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.tables import role_groups, users
from connectors.model import normalise_name

OWNER = "the owner of an account is changed by Fluix support only"


def set_role(connection: Connection, email: str, role: str | None, names: Iterable[str], now: datetime) -> None:
    """Give a user a role, for these groups only or (without any) for the whole account; None takes it.

    Raises:
        PermanentError: there is no such user, or no such group.
        RefusedError: the owner, the last admin, a user who never logged in, or a role that is none.
    """
    row = find(connection, email)
    wanted = {normalise_name(name): name for name in names}
    if row.owner or (role is not None and normalise_name(role) == "owner"):
        raise RefusedError(OWNER, where=email, cure="ask Fluix support")
    if role is None:
        if wanted:
            raise RefusedError("without a role there are no groups that it is for", where=email, cure="leave them out")
        if row.role and count_admins(connection) == 1:
            cure = "give somebody else a role first"
            raise RefusedError(f"{row.email} is the last admin of the account", where=email, cure=cure)
    elif row.state == "invited":
        what = f"{row.email} never logged in: whoever opens the invitation would be an admin"
        raise RefusedError(what, where=email, cure="give the role after the first login")
    named = "" if role is None else checked_name(role, "role", email)
    ids = group_ids(connection, wanted.values())
    if missing := [name for key, name in wanted.items() if key not in ids]:
        raise PermanentError(f"there is no group {some(missing)}", where=email, cure="see `syncd groups list`")
    connection.execute(update(users).where(users.c.user_id == row.user_id).values(role=named))
    connection.execute(delete(role_groups).where(role_groups.c.user_id == row.user_id))
    if ids:
        rows = [{"user_id": row.user_id, "group_id": group_id} for group_id in sorted(ids.values())]
        connection.execute(insert(role_groups), rows)
    scope = f" for {', '.join(sorted(wanted.values()))}" if wanted else ""
    record(connection, [(row.user_id, "role changed", f"{row.role or 'none'} to {named or 'none'}{scope}")], now)
