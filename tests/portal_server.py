"""A portal for tests: an admin works off a work order in it by what the order's own files say, and exports all users.

It refuses what the Users guide says that the real one refuses. What nobody knows of the real one (several groups in one
cell, an unknown group, an email that is there already) it refuses too, so that no test leans on a guess.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

HEADER = ("Name", "E-mail", "Teams", "Status")
COLUMNS = {"display_name": "Name", "email": "E-mail", "groups": "Teams", "state": "Status"}


class PortalRefusesError(Exception):
    """The portal does not let the admin do this."""


@dataclass
class User:
    name: str
    groups: set[str] = field(default_factory=set)
    state: str = "Invited"


@dataclass
class Portal:
    """The account behind the Admin Portal."""

    users: dict[str, User] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    workflows: dict[str, set[str]] = field(default_factory=dict)
    invitations: list[str] = field(default_factory=list)

    def add(self, name: str, email: str, groups: Collection[str] = ()) -> None:
        if email in self.users:
            raise PortalRefusesError(f"{email} is there already")
        if not self.groups.issuperset(groups):
            raise PortalRefusesError(f"no group {set(groups) - self.groups}")
        self.users[email] = User(name, set(groups))
        self.invitations.append(email)

    def delete(self, email: str) -> None:
        """S: the system does not let the user be deleted until removed from the workflow."""
        if named := [name for name, people in self.workflows.items() if email in people]:
            raise PortalRefusesError(f"{email} takes part in {named}")
        del self.users[email]

    def resend(self, email: str) -> None:
        """S: Resend invite exists only for a user who never logged in."""
        if self.users[email].state != "Invited":
            raise PortalRefusesError(f"{email} has logged in")
        self.invitations.append(email)

    def import_file(self, file: Path) -> None:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        assert rows[0] in (["User Name", "Email", "Group Name"], ["Full Name", "Email", "Groups"])
        for name, email, group in rows[1:]:
            self.add(name, email, [group] if group else [])

    def export(self, folder: Path, at: datetime, name: str = "users.csv") -> Path:
        """Export All Users, as this portal writes it."""
        folder.mkdir(exist_ok=True)
        file = folder / name
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADER)
            for email, user in self.users.items():
                writer.writerow((user.name, email, "|".join(sorted(user.groups)), user.state))
        os.utime(file, (at.timestamp(), at.timestamp()))
        return file

    def work_off(self, order: Path, leave_out: Collection[str] = (), *, workflows: bool = True) -> list[str]:
        """Do what a work order says, from top to bottom. Returns the lines that were done.

        Args:
            order: its folder.
            leave_out: the admin overlooks the items in whose line one of these texts stands.
            workflows: whether the admin removes people from workflows where the list asks for it.
        """
        done = []
        files = sorted(order.glob("import-*.csv"))
        for section, line in checklist(order / "checklist.md"):
            if any(text in line for text in leave_out):
                continue
            if section.startswith("Import"):
                for file in files:
                    self.import_file(file)
                files = []
            else:
                self._do(line, workflows)
            done.append(line)
        return done

    def _do(self, line: str, workflows: bool) -> None:
        for pattern, verb in _LINES.items():
            if found := re.fullmatch(pattern, line):
                if verb == "delete" and workflows:
                    for people in self.workflows.values():
                        people.discard(found[1])
                _DO[verb](self, *found.groups())
                return
        raise AssertionError(f"an admin would not understand: {line}")

    def rename_group(self, old: str, new: str) -> None:
        self.groups.remove(old)
        self.groups.add(new)
        for user in self.users.values():
            if old in user.groups:
                user.groups = user.groups - {old} | {new}

    def change_email(self, old: str, new: str) -> None:
        assert new not in self.users
        self.users[new] = self.users.pop(old)

    def rename(self, email: str, name: str) -> None:
        self.users[email].name = name

    def join(self, email: str, group: str) -> None:
        assert group in self.groups
        self.users[email].groups.add(group)

    def leave(self, email: str, group: str) -> None:
        self.users[email].groups.remove(group)


_LINES = {
    r"Create the group (.+)": "create_group",
    r"Rename the group (.+) to (.+)": "rename_group",
    r"Add (.+), (\S+@\S+?)(?: \((.+)\))?": "add",
    r"Change the email of (\S+) to (\S+)": "change_email",
    r"Rename (\S+) to (.+)": "rename",
    r"Add (\S+) to the group (.+)": "join",
    r"Take (\S+) out of the group (.+)": "leave",
    r"Resend the invitation of (\S+)": "resend",
    r"Delete (\S+)": "delete",
}
_DO: dict[str, Callable[..., None]] = {
    "create_group": lambda portal, name: portal.groups.add(name),
    "rename_group": Portal.rename_group,
    "add": lambda portal, name, email, groups: portal.add(name, email, groups.split(", ") if groups else ()),
    "change_email": Portal.change_email,
    "rename": Portal.rename,
    "join": Portal.join,
    "leave": Portal.leave,
    "resend": Portal.resend,
    "delete": Portal.delete,
}


def checklist(file: Path) -> Iterator[tuple[str, str]]:
    """The open items of a checklist: the part in which each stands, and its line."""
    section = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif found := re.fullmatch(r"- \[ \] \*\*\d+\. (.*)\*\*", line):
            yield section, re.sub(r"\\(.)", r"\1", found[1])
