"""Any endpoint that speaks SCIM 2.0 as the Fluix side: the target that the configuration's `type: scim` names.

What such an endpoint cannot tell (roles, owner, workflows, documents, whether somebody ever logged in) is unknown, and what is
unknown holds every deletion for an approval. May not: send anything of ours but what stands in the steps.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby

from connectors.base import Capabilities
from connectors.errors import ConnectorError
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
from connectors.scim import bulk
from connectors.scim.accounts import USERS, Accounts, told_groups
from connectors.scim.checking import failed
from connectors.scim.service import Service
from connectors.scim.settings import TargetSettings
from connectors.scim.writing import NotDoneError, Writer, same
from connectors.text import shown

_VERBS: frozenset[Verb] = frozenset(
    {
        "create_group",
        "rename_group",
        "create_user",
        "update_user",
        "add_member",
        "remove_member",
        "delete_user",
    }
)
_AT_ONCE = 100
"""Members in one request."""


class ScimTarget:
    """A SCIM endpoint that is kept equal to the directory.

    Args:
        settings: where it is, and how it is written.
        log: told each request.
        sleep: seconds; to be replaced in tests.
        clock: the time (aware, UTC).
    """

    def __init__(
        self,
        settings: TargetSettings,
        *,
        log: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.capabilities = Capabilities(_VERBS, knows_dossier=False)
        self._settings = settings
        self._service = Service(settings.access, log, sleep, clock)
        weakref.finalize(self, self._service.close)
        self._done: dict[str, Outcome] = {}
        """What this process did, by operation id. A process that comes after finds out from the endpoint."""
        self._groups: dict[str, list[AccountGroup]] = {}
        """Name as compared -> the groups that have it; of one call of `apply`."""

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(self._service, self._settings)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self._service, self._accounts)

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Stream every group, then every user, then one certificate as the last item.

        Raises:
            ConnectorError: something could not be read.
        """
        yield from self._accounts.read()

    def get(self, fluix_ids: Iterable[str]) -> Mapping[str, Account]:
        """The users of these ids as they are now; who is not there is left out."""
        return self._accounts.accounts(self._accounts.get(fluix_ids).values())

    def dossiers(self, fluix_ids: Iterable[str]) -> Mapping[str, Dossier]:
        """Nothing is known of anybody, and so nothing is safe; who is not there is left out."""
        return {key: Dossier(key) for key in self._accounts.get(fluix_ids)}

    def every_group(self) -> Sequence[AccountGroup]:
        """All groups, as `read` would begin.

        Raises:
            ConnectorError: they could not be read whole.
        """
        reasons = list[str]()
        found = list(self._accounts.groups(None, reasons))
        if reasons:
            raise ConnectorError(f"the groups could not be read whole: {'; '.join(reasons)}", where=self._service.host)
        return found

    def find(self, emails: Iterable[str]) -> Mapping[str, Account]:
        """The users with one of these addresses, in whatever spelling, by id; an address that nobody has is left out.

        Raises:
            ConnectorError: the endpoint does not answer filters, or cannot be reached.
        """
        return self._accounts.accounts(self._accounts.find(emails).values())

    def seats(self) -> None:
        """No endpoint tells how many there are."""

    def check(self) -> Iterator[str]:
        """Every reason why reading or applying would not work."""
        try:
            features = self._accounts.features
            if not self._accounts.has_groups:
                yield f"{self._service.host} has no groups (/Groups): nobody can be put into one"
            if not features.filter:
                yield (
                    f"{self._service.host} answers no filters: whether a user is there already cannot be asked, so nobody is "
                    "created; use an endpoint with `filter` in its ServiceProviderConfig"
                )
            yield from self._accounts.first_page()
        except ConnectorError as error:
            yield failed(error)

    def apply(self, steps: Sequence[Step]) -> Sequence[Outcome]:
        """Do the steps in their order; see `connectors.base.Target`.

        Raises:
            ConnectorError: the endpoint could not be reached.
        """
        if any(
            step.verb in {"create_group", "rename_group", "add_member", "remove_member", "create_user"}
            for step in steps
        ):
            self._load_groups()
        ended: dict[str, Outcome] = {}
        for verb, run in groupby(steps, key=lambda step: step.verb):
            fresh = {step.operation_id: step for step in run if step.operation_id not in self._done}
            for outcome in self._run(verb, list(fresh.values())):
                ended[outcome.operation_id] = outcome
                if outcome.state == "done":
                    self._done[outcome.operation_id] = outcome
        return [self._done.get(step.operation_id) or ended[step.operation_id] for step in steps]

    def _run(self, verb: Verb, steps: list[Step]) -> Iterator[Outcome]:
        """Steps of one verb, one after the other or together."""
        match verb:
            case "create_user":
                yield from self._create_users(steps)
            case "add_member" | "remove_member":
                yield from self._memberships(verb, steps)
            case _:
                for step in steps:
                    yield self._one(step)

    def _one(self, step: Step) -> Outcome:
        values = step.values
        try:
            match step.verb:
                case "create_group":
                    self._create_group(str(values["display_name"]))
                case "rename_group":
                    self._rename_group(str(values["display_name"]), str(values["new_name"]))
                case "update_user":
                    email, name = values.get("email"), values.get("display_name")
                    key = step.fluix_id or ""
                    self._writer.update_user(key, str(email) if email else None, str(name) if name else None)
                case "delete_user":
                    self._writer.delete_user(step.fluix_id or "")
                case verb:
                    return Outcome(
                        step.operation_id, "failed", step.fluix_id, f"a SCIM endpoint has nothing for {verb}"
                    )
        except NotDoneError as error:
            return Outcome(step.operation_id, "failed", step.fluix_id, str(error))
        return Outcome(step.operation_id, "done", step.fluix_id)

    # Users.

    def _create_users(self, steps: Sequence[Step]) -> Iterator[Outcome]:
        there = self._accounts.find([_text(step, "email") for step in steps])
        made: dict[str, str] = {}
        """Operation -> id."""
        wrong: dict[str, str] = {}
        taken: set[str] = set()
        new: list[Step] = []
        for step in steps:
            email = _text(step, "email")
            mine = {key: user for key, user in there.items() if normalise_email(email) in _addresses(user)}
            unknown = [name for name in _names(step) if not self._groups.get(normalise_name(name))]
            if unknown:
                wrong[step.operation_id] = f"there is no group {unknown[0]}"
            elif normalise_email(email) in taken:
                wrong[step.operation_id] = f"{email} already exists"
            elif mine:
                key = same(mine, email, _text(step, "display_name"))
                if key:
                    made[step.operation_id] = key
                else:
                    wrong[step.operation_id] = f"{email} already exists"
            else:
                new.append(step)
            taken.add(normalise_email(email))
        made |= self._create_together(new)
        for step in new:
            if step.operation_id not in made:
                try:
                    made[step.operation_id] = self._writer.create_user(
                        _text(step, "email"), _text(step, "display_name")
                    )
                except NotDoneError as error:
                    wrong[step.operation_id] = str(error)
        wrong |= self._join(steps, made)
        for step in steps:
            key, why = made.get(step.operation_id), wrong.get(step.operation_id)
            yield Outcome(step.operation_id, "failed" if why else "done", key, why or "")

    def _create_together(self, steps: Sequence[Step]) -> dict[str, str]:
        """By bulk, where it is offered and worth it. Whom it does not name is asked for and created one by one."""
        features = self._accounts.features
        if not self._settings.bulk or not features.bulk_operations or len(steps) < bulk.WORTH:
            return {}
        resources = [self._writer.new_user(_text(step, "email"), _text(step, "display_name")) for step in steps]
        made = bulk.create_all(self._service, features, USERS, resources)
        found = {steps[place].operation_id: key for place, key in made.items()}
        lost = [step for step in steps if step.operation_id not in found]
        there = self._accounts.find([_text(step, "email") for step in lost])
        for step in lost:
            email = _text(step, "email")
            mine = {key: user for key, user in there.items() if normalise_email(email) in _addresses(user)}
            if key := same(mine, email, _text(step, "display_name")):
                found[step.operation_id] = key
        return found

    def _join(self, steps: Sequence[Step], made: Mapping[str, str]) -> dict[str, str]:
        """Put new users into their groups; operation -> why it did not work."""
        wrong: dict[str, str] = {}
        wanted: dict[str, list[tuple[str, str]]] = {}
        for step in steps:
            if step.operation_id in made:
                for name in dict.fromkeys(map(normalise_name, _names(step))):
                    wanted.setdefault(name, []).append((step.operation_id, made[step.operation_id]))
        for name, pairs in wanted.items():
            for operation, why in self._together("add_member", name, pairs).items():
                wrong[operation] = f"the user is there, but not in the group: {why}"
        return wrong

    # Groups.

    def _load_groups(self) -> None:
        self._groups = {}
        for group in self.every_group():
            self._groups.setdefault(normalise_name(group.display_name), []).append(group)

    def _create_group(self, name: str) -> None:
        if not self._groups.get(normalise_name(name)):
            self._writer.create_group(name)
            self._load_groups()
            if not self._groups.get(normalise_name(name)):
                raise NotDoneError(f"the endpoint acknowledged the group {name}, and does not show it")

    def _rename_group(self, old: str, new: str) -> None:
        there, taken = self._groups.get(normalise_name(old), []), self._groups.get(normalise_name(new), [])
        if not there and taken:
            return
        group = self._only(old)
        if any(other.group_id != group.group_id for other in taken):
            raise NotDoneError(f"there is a group {new} already")
        self._writer.rename_group(group.group_id, new)
        self._load_groups()

    def _only(self, name: str) -> AccountGroup:
        """The one group of this name."""
        there = self._groups.get(normalise_name(name), [])
        if not there:
            raise NotDoneError(f"there is no group {name}")
        if len(there) > 1:
            raise NotDoneError(f"{len(there)} groups have the name {shown(name)}, and nobody can tell which is meant")
        return there[0]

    def _memberships(self, verb: Verb, steps: Sequence[Step]) -> Iterator[Outcome]:
        wrong: dict[str, str] = {}
        users = self._accounts.get([step.fluix_id or "" for step in steps]) if verb == "add_member" else {}
        wanted: dict[str, list[tuple[str, str]]] = {}
        for step in steps:
            name, key = normalise_name(_text(step, "group")), step.fluix_id or ""
            if verb == "add_member" and key not in users:
                wrong[step.operation_id] = f"there is no user with the id {key}"
            elif verb == "add_member" and not self._groups.get(name):
                wrong[step.operation_id] = f"there is no group {_text(step, 'group')}"
            elif verb == "add_member" and self._accounts.tells_groups and name in _told(users[key]):
                continue
            elif self._groups.get(name):
                wanted.setdefault(name, []).append((step.operation_id, key))
        for name, pairs in wanted.items():
            wrong |= self._together(verb, name, pairs)
        for step in steps:
            why = wrong.get(step.operation_id)
            yield Outcome(step.operation_id, "failed" if why else "done", step.fluix_id, why or "")

    def _together(self, verb: Verb, name: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Many members of one group in one request; where it is refused, one by one. Operation -> why it did not work."""
        change = self._writer.add_members if verb == "add_member" else self._writer.remove_members
        wrong: dict[str, str] = {}
        for at in range(0, len(pairs), _AT_ONCE):
            part = pairs[at : at + _AT_ONCE]
            try:
                group = self._only(name)
                change(group.group_id, list(dict.fromkeys(user for _, user in part)))
            except NotDoneError as error:
                if len(part) == 1:
                    wrong[part[0][0]] = str(error)
                    continue
                for pair in part:
                    wrong |= self._together(verb, name, [pair])
        return wrong


def _text(step: Step, name: str) -> str:
    return str(step.values[name])


def _names(step: Step) -> tuple[str, ...]:
    groups = step.values.get("groups", ())
    return groups if isinstance(groups, tuple) else (groups,)


def _addresses(user: Mapping[str, object]) -> set[str]:
    """Every address of a user, as compared."""
    emails = user.get("emails")
    values = [one.get("value") for one in emails if isinstance(one, dict)] if isinstance(emails, list) else []
    return {normalise_email(value) for value in [*values, user.get("userName")] if isinstance(value, str)}


def _told(user: dict[str, object]) -> set[str]:
    return {normalise_name(name) for name in told_groups(user) or ()}
