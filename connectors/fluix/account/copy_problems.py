"""What is wrong with a rehearsal copy: every problem at once, before anything is written. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.email import email_problem
from connectors.model import normalise_email, normalise_name

_KEYS = {
    "users": {"email", "name", "state", "role", "owner", "groups", "role_groups", "last_login", "refused"},
    "groups": {"name"},
    "workflows": {"name", "steps", "groups"},
    "documents": {"title", "state", "user"},
}
_NAMED_BY = {"users": "email", "groups": "name", "workflows": "name", "documents": "title"}
_STATES = {"users": ("invited", "active"), "documents": ("draft", "assigned")}
_TEXTS = ("email", "name", "role", "title", "user", "state", "last_login", "refused")


def problems(
    data: object, known_users: Collection[str], known_groups: Collection[str], *, owner_is_there: bool
) -> list[str]:
    """Every problem of a copy, as sentences.

    Args:
        data: the copy, as YAML or JSON gave it.
        known_users: addresses (as compared) of users who are there already.
        known_groups: names (as compared) of groups that are there already.
        owner_is_there: whether somebody outside of the copy owns the account.
    """
    if not isinstance(data, Mapping):
        return ["the copy is not a mapping with users, groups, workflows and documents"]
    found = [f"unknown part `{part}`: there are {', '.join(_KEYS)}" for part in data if part not in _KEYS]
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for part in _KEYS:
        parts[part] = list(_entries(data, part, found))
    addresses = {normalise_email(entry["email"]) for entry in parts["users"]} | set(known_users)
    names = {normalise_name(entry["name"]) for entry in parts["groups"]} | set(known_groups)
    owners = [entry["email"] for entry in parts["users"] if entry.get("owner")]
    if len(owners) + owner_is_there > 1:
        found.append(f"an account has one owner, and here {', '.join(owners)} would own it, besides any that is there")
    for part in ("users", "groups", "workflows"):
        found += _twice(part, parts[part])
    for user in parts["users"]:
        names |= {normalise_name(name) for name in _texts(f"users: {user['email']}", user, "groups", found)}
    for user in parts["users"]:
        found += _role_groups(user, names)
        found += _moment(user)
    for document in parts["documents"]:
        found += _user(f"documents: {document['title']}", document.get("user"), addresses)
    for workflow in parts["workflows"]:
        found += _groups(f"workflows: {workflow['name']}", workflow, names)
        found += _steps(workflow, addresses, names)
    return found


def _entries(data: Mapping[str, Any], part: str, found: list[str]) -> Iterator[Mapping[str, Any]]:
    """The entries of a part that can be told apart; the others become problems."""
    listed = data.get(part) or []
    if not isinstance(listed, list):
        found.append(f"`{part}` is not a list")
        return
    for place, entry in enumerate(listed, start=1):
        where = f"{part}, entry {place}"
        if not isinstance(entry, Mapping):
            found.append(f"{where}: is not a mapping with {', '.join(sorted(_KEYS[part]))}")
            continue
        found += [f"{where}: unknown key `{key}`" for key in entry if key not in _KEYS[part]]
        wrong = [key for key in _TEXTS if entry.get(key) is not None and not isinstance(entry[key], str)]
        found += [f"{where}: `{key}` is not a text; put it into quotes" for key in wrong]
        if not isinstance(entry.get("owner", False), bool):
            found.append(f"{where}: `owner` is neither true nor false")
        if entry.get("state") is not None and entry["state"] not in _STATES.get(part, ()):
            found.append(f"{where}: state `{entry['state']}` is none of {', '.join(_STATES.get(part, ()))}")
        name = entry.get(_NAMED_BY[part])
        if not isinstance(name, str) or not name.strip():
            found.append(f"{where}: `{_NAMED_BY[part]}` is missing")
        elif part == "users" and (why := email_problem(name)):
            found.append(f'{where}: "{name}" is no email address ({why})')
        elif not wrong:
            yield entry


def _twice(part: str, entries: list[Mapping[str, Any]]) -> Iterator[str]:
    met: set[str] = set()
    for entry in entries:
        name = entry[_NAMED_BY[part]]
        key = normalise_email(name) if part == "users" else normalise_name(name)
        if key in met:
            yield f"{part}: {name} stands there twice"
        met.add(key)


def _texts(where: str, entry: Mapping[str, Any], key: str, found: list[str]) -> list[str]:
    listed = entry.get(key) or []
    if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
        return listed
    found.append(f"{where}: `{key}` is not a list of texts")
    return []


def _role_groups(user: Mapping[str, Any], names: Container[str]) -> list[str]:
    where = f"users: {user['email']}"
    found = _groups(where, user, names, "role_groups")
    if user.get("role_groups") and not user.get("role"):
        found.append(f"{where}: `role_groups` without a role")
    return found


def _moment(user: Mapping[str, Any]) -> Iterator[str]:
    """A last login is a moment with its offset; without one it would mean another hour in every place."""
    text = user.get("last_login")
    if text is None:
        return
    try:
        aware = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        yield f"users: {user['email']}: `last_login` is no moment like 2026-11-02T08:30:00+00:00"


def _groups(where: str, entry: Mapping[str, Any], names: Container[str], key: str = "groups") -> list[str]:
    found: list[str] = []
    listed = _texts(where, entry, key, found)
    return found + [f"{where}: there is no group {name}" for name in listed if normalise_name(name) not in names]


def _user(where: str, email: object, addresses: Container[str]) -> Iterator[str]:
    if not isinstance(email, str):
        yield f"{where}: `user` is missing"
    elif normalise_email(email) not in addresses:
        yield f"{where}: there is no user {email}"


def _steps(workflow: Mapping[str, Any], addresses: Container[str], names: Container[str]) -> Iterator[str]:
    steps = workflow.get("steps") or []
    if not isinstance(steps, list):
        yield f"workflows: {workflow['name']}: `steps` is not a list"
        return
    for place, step in enumerate(steps, start=1):
        where = f"workflows: {workflow['name']}, step {place}"
        if not isinstance(step, Mapping) or not isinstance(step.get("name"), str):
            yield f"{where}: is not a mapping with name, users and groups"
            continue
        yield from (f"{where}: unknown key `{key}`" for key in step if key not in {"name", "users", "groups"})
        found = _groups(where, step, names)
        for email in _texts(where, step, "users", found):
            found += _user(where, email, addresses)
        yield from found
