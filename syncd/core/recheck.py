"""Just before a change is applied: is the account still as it was when the plan was made? Pure.

An approved plan may shrink, never grow: a change that does not fit any more drops out as stale, with its reason.
"""

from __future__ import annotations

from collections.abc import Collection

from connectors.model import Account, Dossier
from syncd.core.change import Change, RecordKey
from syncd.core.leaving import known


def stale(
    change: Change,
    account: Account | None,
    dossier: Dossier | None = None,
    returned: Collection[RecordKey] = (),
) -> str | None:
    """Why this change must not be applied any more; None when it still fits.

    Args:
        change: the planned change.
        account: the user as the target holds it now; None when it is not there.
        dossier: for a deletion, what the target knows of the user now.
        returned: records of leavers that are in their source again.
    """
    if change.fluix_id is None:
        return None
    if account is None:
        return "is not in Fluix any more"
    if change.kind == "update_user":
        return _moved(change, account)
    if change.kind == "delete_user":
        return _not_leaving(change, account, dossier, returned)
    return None


def _moved(change: Change, account: Account) -> str | None:
    now = {"email": account.email, "display_name": account.display_name}
    for name, before in (change.before or {}).items():
        if name in now and now[name] != before:
            return f'{name} is now "{now[name]}", and was "{before}" when this was planned'
    return None


def _not_leaving(
    change: Change, account: Account, dossier: Dossier | None, returned: Collection[RecordKey]
) -> str | None:
    if back := [str(key) for key in change.records if key in returned]:
        return f"{', '.join(back)} is back in its source"
    if account.email != change.user:
        return f"the account is now {account.email}"
    planned = change.before or {}
    if sorted(account.groups) != planned.get("groups"):
        return "its groups changed since this was planned"
    now = known(dossier) if dossier else None
    changed = [name for name, value in (now or {}).items() if value != planned.get(name)]
    if now is None or changed:
        return f"what Fluix knows of it changed since this was planned ({', '.join(changed) or 'nothing is known'})"
    return None
