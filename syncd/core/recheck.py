"""Just before a change is applied: do the account and the directory still ask for it? Pure.

An approved plan may shrink, never grow: a change that does not fit any more drops out as stale, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.model import Account, Dossier, normalise_email, normalise_name
from syncd.core.change import Change, RecordKey
from syncd.core.leaving import known
from syncd.core.rules import Wanted

Asking = Mapping[RecordKey, Wanted]
"""What the live ones among a change's records ask for now."""


def stale_in_directory(change: Change, asking: Asking) -> str | None:
    """Why the directory does not want this change any more; None when it still does.

    Args:
        change: the planned change.
        asking: of its records, and of those that it replaces.
    """
    wanted = [asking[key] for key in change.records if key in asking]
    groups = {normalise_name(name) for want in wanted for name in want.groups}
    match change.kind:
        case "delete_user" if wanted:
            return f"{_names(change, asking)} is in the directory again"
        case "remove_member" if normalise_name(change.group or "") in groups:
            return f"{_names(change, asking)} is in {change.group} again"
        case "create_user" | "update_user" | "add_member" if not wanted:
            return f"{change.records[0]} asks for no account any more"
        case "add_member" if normalise_name(change.group or "") not in groups:
            return f"{_names(change, asking)} is in {change.group} no longer"
        case "create_user" | "update_user":
            return (
                _other_wish(change, wanted[0])
                or _other_groups(change, groups, asking)
                or _old_record_back(change, asking)
            )
    return None


def stale_in_account(change: Change, account: Account | None, dossier: Dossier | None = None) -> str | None:
    """Why this change does not fit the account any more; None when it still does.

    Args:
        change: the planned change.
        account: the user as the target holds it now; None when it is not there.
        dossier: for a deletion, what the target knows of the user now.
    """
    if change.fluix_id is None:
        return None
    if account is None:
        return "is not in Fluix any more"
    if change.kind == "update_user":
        return _moved(change, account)
    if change.kind == "delete_user":
        return _changed(change, account, dossier)
    return None


def _other_wish(change: Change, wanted: Wanted) -> str | None:
    after = change.after or {}
    now = {"email": wanted.email, "display_name": wanted.display_name}
    for name in ("email", "display_name"):
        if name in after and after[name] != now[name]:
            return f'the directory now says {name} "{now[name]}"'
    return None


def _other_groups(change: Change, groups: set[str], asking: Asking) -> str | None:
    """A new account is never put into a group that its person has left since."""
    left = [name for name in (change.after or {}).get("groups", ()) if normalise_name(name) not in groups]
    return f"{_names(change, asking)} is in {', '.join(left)} no longer" if left else None


def _old_record_back(change: Change, asking: Asking) -> str | None:
    """For an account that is taken over by a new key: the old record must still be gone."""
    back = [str(key) for key in replaced(change) if key in asking]
    return f"{', '.join(back)} asks for the account again" if back else None


def _moved(change: Change, account: Account) -> str | None:
    if normalise_email(account.email) != normalise_email(change.user or ""):
        return f"the account is now {account.email}"
    now = {"email": account.email, "display_name": account.display_name}
    for name, before in (change.before or {}).items():
        if name in now and now[name] != before:
            return f'{name} is now "{now[name]}", and was "{before}" when this was planned'
    return None


def _changed(change: Change, account: Account, dossier: Dossier | None) -> str | None:
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


def replaced(change: Change) -> tuple[RecordKey, ...]:
    """The records from which an account is taken over by a new key; none for any other change."""
    return tuple(RecordKey(*key) for key in (change.before or {}).get("replaces", ()))


def _names(change: Change, asking: Asking) -> str:
    return ", ".join(str(key) for key in change.records if key in asking)
