"""What an admin does with groups, workflows and documents, as methods of the account: each is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.fluix.account.admin import documents, groups, workflows
from connectors.fluix.account.opened import OpenAccount


class GroupAdministration(OpenAccount):
    """Groups, workflows, documents. What the methods do, and what they refuse, stands in `admin/`."""

    def list_groups(self) -> list[dict[str, Any]]:
        """All groups by name: members (how many) and the workflows that a group gives."""
        with self._reading() as connection:
            return groups.list_groups(connection)

    def group_names(self) -> list[str]:
        """The names of all groups, in their order."""
        with self._reading() as connection:
            return groups.group_names(connection)

    def create_group(self, name: str) -> str:
        """Make a group. Returns its name as it is kept.

        Raises:
            RefusedError: there is one already, or the name is none.
        """
        with self._writing() as connection:
            return groups.create_group(connection, name, self._clock())

    def rename_group(self, name: str, new_name: str) -> None:
        """Give a group another name.

        Raises:
            PermanentError: there is no such group.
            RefusedError: another group has that name, or it is none.
        """
        with self._writing() as connection:
            groups.rename_group(connection, name, new_name, self._clock())

    def delete_group(self, name: str) -> int:
        """Delete a group. Returns how many members it had.

        Raises:
            PermanentError: there is no such group.
            RefusedError: a step would be left without anyone, or a role would become wider.
        """
        with self._writing() as connection:
            return groups.delete_group(connection, name, self._clock())

    def add_members(self, name: str, emails: Iterable[str]) -> list[str]:
        """Put users into a group, all or nobody. Returns their emails.

        Raises:
            PermanentError: the group, or one of the users, is not there.
        """
        with self._writing() as connection:
            return groups.change_members(connection, name, emails, self._clock(), joining=True)

    def remove_members(self, name: str, emails: Iterable[str]) -> list[str]:
        """Take users out of a group, all or nobody. Returns their emails.

        Raises:
            PermanentError: the group, or one of the users, is not there.
        """
        with self._writing() as connection:
            return groups.change_members(connection, name, emails, self._clock(), joining=False)

    def list_workflows(self) -> list[dict[str, Any]]:
        """All workflows by name: steps and users (how many), and the groups that give it."""
        with self._reading() as connection:
            return workflows.list_workflows(connection)

    def show_workflow(self, name: str) -> dict[str, Any]:
        """One workflow with its steps.

        Raises:
            PermanentError: there is no such workflow.
        """
        with self._reading() as connection:
            return workflows.show_workflow(connection, name)

    def leave_workflows(self, email: str, workflow: str | None = None) -> list[str]:
        """Take a user out of the steps of one workflow, or of all. Returns the steps.

        Raises:
            PermanentError: there is no such user or workflow.
            RefusedError: a step would be left without anyone, or the user is in none.
        """
        with self._writing() as connection:
            return workflows.leave(connection, email, workflow, self._clock())

    def give_workflow(self, name: str, *, adding: Iterable[str] = (), removing: Iterable[str] = ()) -> list[str]:
        """Let groups give a workflow to their members, or not any more. Returns the groups that give it then.

        Raises:
            PermanentError: there is no such workflow or group.
            RefusedError: a group is to be added and removed at once.
        """
        with self._writing() as connection:
            return workflows.give(connection, name, self._clock(), adding=adding, removing=removing)

    @contextmanager
    def documents(self, email: str | None = None, state: str | None = None) -> Iterator[Iterator[dict[str, Any]]]:
        """Documents by user and title, as a stream.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            yield documents.stream_documents(connection, email, state)

    def page_of_documents(
        self, email: str | None, state: str | None, limit: int, skip: int
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of the documents, and how many there are.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            return documents.page_of_documents(connection, email, state, limit, skip)

    def discard_documents(self, email: str, state: str | None = None) -> int:
        """Delete a user's documents for good. Returns how many.

        Raises:
            PermanentError: there is no such user.
            RefusedError: there is nothing to delete.
        """
        with self._writing() as connection:
            return documents.discard(connection, email, state, self._clock())

    def reassign_documents(self, email: str, to: str, state: str | None = None) -> int:
        """Give a user's documents to somebody else. Returns how many.

        Raises:
            PermanentError: one of the two is not there.
            RefusedError: they are one user, or there is nothing to give.
        """
        with self._writing() as connection:
            return documents.reassign(connection, email, to, state, self._clock())
