"""The in-memory twin of every target, for tests and rehearsals. `connectors/memory.py` has the source's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast, get_args

from connectors.base import Capabilities
from connectors.model import (
    Account,
    AccountGroup,
    AccountState,
    Certificate,
    Dossier,
    Outcome,
    Step,
    Verb,
    WorkflowPart,
    normalise_email,
    normalise_name,
)


@dataclass(slots=True)
class _User:
    fluix_id: str
    email: str
    name: str
    state: AccountState
    role: str = ""
    owner: bool = False
    groups: set[str] = field(default_factory=set)
    """Ids of groups."""


@dataclass(slots=True)
class _Part:
    """One step of a workflow, and who takes part in it."""

    workflow: str
    name: str
    users: set[str]
    groups: set[str]


@dataclass(slots=True)
class _Document:
    title: str
    state: str
    user: str


class _NotDoneError(Exception):
    """A step fails; its text says why. Raised before anything is changed."""


class MemoryTarget:
    """A target that holds what it was given.

    Args:
        data: `users` (email, name, state, role, owner, groups), `groups` (name), `workflows` (name, steps: name, users,
            groups) and `documents` (title, state, user), people by email and groups by name; everything but names and
            emails may be missing. A group that only a user or a workflow names is there as well.
        before_step: called before each step that is asked for, done already or not; what it raises ends the call of
            `apply`, with the steps before it done.
    """

    capabilities = Capabilities(frozenset(get_args(Verb)), knows_dossier=True)

    def __init__(
        self, data: Mapping[str, Any] | None = None, before_step: Callable[[Step], None] | None = None
    ) -> None:
        self.before_step = before_step
        self.invitations: list[str] = []
        """The emails to which invitations were sent, in their order."""
        self.operations: dict[str, str | None] = {}
        """What was done: operation id -> the Fluix id that was answered."""
        self._numbers = count(1)
        self._users: dict[str, _User] = {}
        self._emails: dict[str, str] = {}
        """Email as compared -> Fluix id."""
        self._groups: dict[str, str] = {}
        """Group's id -> name."""
        self._names: dict[str, str] = {}
        """Group's name as compared -> id."""
        self._parts: list[_Part] = []
        self._documents: list[_Document] = []
        self._verbs: dict[Verb, Callable[[Step], str | None]] = {
            "create_group": self._create_group,
            "rename_group": self._rename_group,
            "create_user": self._create_user,
            "update_user": self._update_user,
            "add_member": self._add_member,
            "remove_member": self._remove_member,
            "resend_invite": self._resend_invite,
            "reassign_documents": self._reassign_documents,
            "leave_workflows": self._leave_workflows,
            "delete_user": self._delete_user,
        }
        self._load(data or {})

    def _load(self, data: Mapping[str, Any]) -> None:
        for group in data.get("groups", ()):
            self._group(group["name"])
        for one in data.get("users", ()):
            groups = {self._group(name) for name in one.get("groups", ())}
            self._add(
                _User(
                    self._new_id(),
                    one["email"],
                    one["name"],
                    one.get("state", "active"),
                    one.get("role") or "",
                    bool(one.get("owner")),
                    groups,
                )
            )
        for flow in data.get("workflows", ()):
            for part in flow.get("steps", ()):
                users = {self._emails[normalise_email(email)] for email in part.get("users", ())}
                groups = {self._group(name) for name in part.get("groups", ())}
                self._parts.append(_Part(flow["name"], part["name"], users, groups))
        for paper in data.get("documents", ()):
            user = self._emails[normalise_email(paper["user"])]
            self._documents.append(_Document(paper["title"], paper["state"], user))

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Stream the groups, then the users, then the certificate; as they were when the reading began."""
        users = [self._account(user) for user in self._users.values()]
        groups = self.every_group()
        yield from groups
        yield from users
        yield Certificate(len(users), len(groups))

    def get(self, fluix_ids: Iterable[str]) -> dict[str, Account]:
        """The users of these ids; who is not there is left out."""
        return {one: self._account(self._users[one]) for one in fluix_ids if one in self._users}

    def every_group(self) -> list[AccountGroup]:
        """The groups."""
        return [AccountGroup(group_id, name) for group_id, name in self._groups.items()]

    def find(self, emails: Iterable[str]) -> dict[str, Account]:
        """The users with one of these addresses; an address that nobody has is left out."""
        return self.get({self._emails[key] for key in map(normalise_email, emails) if key in self._emails})

    def dossiers(self, fluix_ids: Iterable[str]) -> dict[str, Dossier]:
        """What makes deleting these users dangerous; who is not there is left out."""
        admins = sum(bool(user.role or user.owner) for user in self._users.values())
        return {one: self._dossier(self._users[one], admins) for one in fluix_ids if one in self._users}

    def seats(self) -> None:
        """No limit."""

    def apply(self, steps: Sequence[Step]) -> list[Outcome]:
        """Do the steps in their order; see `connectors.base.Target`. Raises what `before_step` raises."""
        outcomes = []
        for step in steps:
            if self.before_step is not None:
                self.before_step(step)
            outcomes.append(self._once(step))
        return outcomes

    def check(self) -> tuple[str, ...]:
        """Nothing: a memory can always be read."""
        return ()

    def _once(self, step: Step) -> Outcome:
        if step.operation_id not in self.operations:
            try:
                self.operations[step.operation_id] = self._verbs[step.verb](step) or step.fluix_id
            except _NotDoneError as error:
                return Outcome(step.operation_id, "failed", step.fluix_id, str(error))
        return Outcome(step.operation_id, "done", self.operations[step.operation_id])

    # What is asked of the account.

    def _account(self, user: _User) -> Account:
        names = frozenset(self._groups[group] for group in user.groups)
        return Account(user.fluix_id, user.email, user.name, user.state, names)

    def _dossier(self, user: _User, admins: int) -> Dossier:
        states = [document.state for document in self._documents if document.user == user.fluix_id]
        return Dossier(
            user.fluix_id,
            user.owner,
            user.role,
            admins,
            tuple(self._workflows(user.fluix_id)),
            states.count("draft"),
            states.count("assigned"),
        )

    def _workflows(self, user: str) -> Iterator[WorkflowPart]:
        for part in self._parts:
            if user in part.users:
                yield WorkflowPart(part.workflow, part.name, alone=not (part.users - {user} or part.groups))

    def _group_id(self, name: str) -> str | None:
        return self._names.get(normalise_name(name))

    def _known_group(self, name: str) -> str:
        group = self._group_id(name)
        if group is None:
            raise _NotDoneError(f"there is no group {name}")
        return group

    def _user(self, step: Step) -> _User:
        user = self._users.get(step.fluix_id or "")
        if user is None:
            raise _NotDoneError(f"there is no user with the id {step.fluix_id}")
        return user

    # What the verbs do: each returns the user's id where the step does not have it, or raises before it changes anything.

    def _new_id(self) -> str:
        return str(next(self._numbers))

    def _add(self, user: _User) -> None:
        self._users[user.fluix_id] = user
        self._emails[normalise_email(user.email)] = user.fluix_id

    def _group(self, name: str) -> str:
        group = self._group_id(name)
        if group is None:
            group = self._new_id()
            self._groups[group] = name
            self._names[normalise_name(name)] = group
        return group

    def _create_group(self, step: Step) -> None:
        self._group(_text(step, "display_name"))

    def _rename_group(self, step: Step) -> None:
        old, new = _text(step, "display_name"), _text(step, "new_name")
        group, taken = self._group_id(old), self._group_id(new)
        if group is None and taken is not None:
            return
        if group is None:
            raise _NotDoneError(f"there is no group {old}")
        if taken not in {None, group}:
            raise _NotDoneError(f"there is a group {new} already")
        self._groups[group] = new
        del self._names[normalise_name(old)]
        self._names[normalise_name(new)] = group

    def _create_user(self, step: Step) -> str:
        email = _text(step, "email")
        if normalise_email(email) in self._emails:
            raise _NotDoneError(f"{email} already exists")
        groups = {self._known_group(name) for name in step.values.get("groups", ())}
        user = _User(self._new_id(), email, _text(step, "display_name"), "invited", groups=groups)
        self._add(user)
        self.invitations.append(email)
        return user.fluix_id

    def _update_user(self, step: Step) -> None:
        user = self._user(step)
        email = _text(step, "email") if "email" in step.values else user.email
        if self._emails.get(normalise_email(email), user.fluix_id) != user.fluix_id:
            raise _NotDoneError(f"{email} belongs to another user")
        del self._emails[normalise_email(user.email)]
        self._emails[normalise_email(email)] = user.fluix_id
        user.email = email
        user.name = _text(step, "display_name") if "display_name" in step.values else user.name

    def _add_member(self, step: Step) -> None:
        user = self._user(step)
        user.groups.add(self._known_group(_text(step, "group")))

    def _remove_member(self, step: Step) -> None:
        # Who is gone is out of the group, too.
        if (user := self._users.get(step.fluix_id or "")) is None:
            return
        user.groups.discard(self._group_id(_text(step, "group")) or "")

    def _resend_invite(self, step: Step) -> None:
        user = self._user(step)
        if user.state != "invited":
            raise _NotDoneError(f"{user.email} has logged in already: there is no invitation to resend")
        self.invitations.append(user.email)

    def _reassign_documents(self, step: Step) -> None:
        user, to = self._user(step), _text(step, "to")
        if to == user.fluix_id:
            raise _NotDoneError(f"the user {to} cannot take his or her own documents")
        if to and to not in self._users:
            raise _NotDoneError(f"there is no user with the id {to} to take the documents")
        if not to:
            self._documents = [document for document in self._documents if document.user != user.fluix_id]
        for document in self._documents:
            if document.user == user.fluix_id:
                document.user = to

    def _leave_workflows(self, step: Step) -> None:
        user = self._user(step)
        for part in self._workflows(user.fluix_id):
            if part.alone:
                raise _NotDoneError(f"{part.workflow} / {part.step} would be left without anyone")
        for theirs in self._parts:
            theirs.users.discard(user.fluix_id)

    def _delete_user(self, step: Step) -> None:
        user = self._users.get(step.fluix_id or "")
        if user is None:
            return
        if user.owner:
            raise _NotDoneError(f"{user.email} is the owner of the account")
        names = ", ".join(sorted({part.workflow for part in self._workflows(user.fluix_id)}))
        if names:
            raise _NotDoneError(f"{user.email} takes part in workflows ({names}): remove them there first")
        self._documents = [document for document in self._documents if document.user != user.fluix_id]
        del self._users[user.fluix_id], self._emails[normalise_email(user.email)]


def _text(step: Step, name: str) -> str:
    """A value of the step that is one text."""
    return cast("str", step.values[name])
