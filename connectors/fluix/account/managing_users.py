"""What an admin does with users, as methods of the account: each is one transaction. What they do stands in `admin/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from connectors.fluix.account import seats
from connectors.fluix.account.admin import (
    changes,
    details,
    early_access,
    exports,
    farewell,
    history,
    imports,
    lists,
    people,
    roles,
    user_data,
)
from connectors.fluix.account.opened import OpenAccount
from connectors.fluix.csv_files import ImportRow, write_users


class UserAdministration(OpenAccount):
    """Users: lists, details, changes, files, activity."""

    def list_users(
        self,
        search: str | None = None,
        state: str | None = None,
        group: str | None = None,
        *,
        last_login: lists.LastLogin | None = None,
        role: str | None = None,
        refused: bool = False,
    ) -> list[dict[str, Any]]:
        """Users by email: email, name, state, role, owner, groups. The filters are those of `admin.lists.Filter`."""
        with self._reading() as connection:
            wanted = lists.Filter(search, state, group, last_login, role, refused)
            return lists.list_users(connection, wanted, self._clock())

    def page_of_users(self, wanted: lists.Filter, page: int, per_page: int, sort: lists.Sort = "email") -> lists.Page:
        """One page of the users that fit.

        Raises:
            RefusedError: there is no such page.
        """
        with self._reading() as connection:
            return lists.page_of_users(connection, wanted, self._clock(), page, per_page, sort=sort)

    def show_user(self, email: str) -> dict[str, Any]:
        """Everything that the account holds of one user.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            return details.show_user(connection, email)

    def add_user(self, name: str, email: str, groups: Iterable[str] = ()) -> str:
        """Add a user, who is invited. Returns the id.

        Raises:
            RefusedError: the email exists or is none, a group is missing, or no seat is free.
        """
        with self._writing() as connection:
            return changes.add_user(connection, name, email, groups, self._clock())

    def edit_user(
        self,
        email: str,
        *,
        name: str | None = None,
        new_email: str | None = None,
        add_groups: Iterable[str] = (),
        remove_groups: Iterable[str] = (),
    ) -> None:
        """Change a user's name, email and groups, all of it or nothing.

        Raises:
            PermanentError: there is no such user or group.
            RefusedError: a value is none, or the email is another user's.
        """
        with self._writing() as connection:
            changes.edit_user(
                connection,
                email,
                self._clock(),
                new_name=name,
                new_email=new_email,
                add_groups=add_groups,
                remove_groups=remove_groups,
            )

    def set_role(self, email: str, role: str | None, groups: Iterable[str] = ()) -> None:
        """Give a user a role, for these groups only or for the whole account; None takes it.

        Raises:
            PermanentError: there is no such user or group.
            RefusedError: the owner, the last admin, or a user who never logged in.
        """
        with self._writing() as connection:
            roles.set_role(connection, email, role, groups, self._clock())

    def import_users(
        self,
        rows: Iterable[ImportRow],
        *,
        create_groups: bool = False,
        progress: imports.Progress = lambda _count: None,
    ) -> int:
        """Add the new ones of an import, with invitations, all of them or nobody. Returns how many.

        Raises:
            RefusedError: a group is missing, and `create_groups` is off; or there are not enough seats.
        """
        with self._writing() as connection:
            return imports.import_users(
                connection, rows, create_groups=create_groups, now=self._clock(), progress=progress
            )

    def missing_groups(self, rows: Iterable[ImportRow]) -> list[str]:
        """The groups that the new ones of an import name, and that are not there."""
        with self._reading() as connection:
            return imports.missing_groups(connection, rows)

    def free_seats(self) -> int | None:
        """How many users can still be added; None: no limit is known."""
        with self._reading() as connection:
            return seats.free(connection)

    def seats(self) -> tuple[int, int] | None:
        """How many seats are taken, and how many there are; None: no limit is known."""
        with self._reading() as connection:
            limit = seats.limit(connection)
            return None if limit is None else (seats.taken(connection), limit)

    def addresses(self) -> set[str]:
        """The emails of all users, as they are compared."""
        with self._reading() as connection:
            return people.addresses(connection)

    def export_users(self, stream: TextIO, select: Iterable[str] = ()) -> int:
        """Write all users, or the selected ones, as Fluix imports them. Returns how many.

        Raises:
            PermanentError: one of the selected is not there; then nothing is written.
        """
        with self._reading() as connection:
            return write_users(exports.stream_users(connection, select), stream)

    def invite(self, email: str) -> None:
        """Resend the invitation of a user who never logged in.

        Raises:
            RefusedError: the user logged in already.
        """
        with self._writing() as connection:
            changes.invite(connection, email, self._clock())

    def before_deletion(self, emails: Iterable[str]) -> list[dict[str, Any]]:
        """What to look at before these users are deleted: documents, role, workflows, and why one cannot be.

        Raises:
            PermanentError: one or more are not there.
        """
        with self._reading() as connection:
            return farewell.before_deletion(connection, emails)

    def delete_user(self, email: str, *, documents_to: str | None = None) -> None:
        """Delete a user, after giving the documents to somebody else where that is wanted.

        Raises:
            RefusedError: owner, last admin, or still in a workflow.
        """
        with self._writing() as connection:
            changes.delete_user(connection, email, self._clock(), documents_to=documents_to)

    @contextmanager
    def activity(
        self, asked: history.Asked, limit: int | None = None, skip: int = 0
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """What happened, the newest first, as a stream.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            yield history.stream_activity(connection, asked, limit, skip)

    def count_activity(self, asked: history.Asked) -> int:
        """How much happened."""
        with self._reading() as connection:
            return history.count_activity(connection, asked)

    def user_data(self, email: str) -> str:
        """All that is held about a user, as the text of a JSON file.

        Raises:
            PermanentError: there is no such user.
        """
        with self._reading() as connection:
            return user_data.as_text(user_data.collect(connection, email, self._clock()))

    def request_user_data(self, email: str) -> str:
        """Put that file into the outbox, for the user. Returns the address.

        Raises:
            PermanentError: there is no such user, or the mail's template is broken.
        """
        with self._writing() as connection:
            return user_data.request(connection, email, self._settings, self._clock())

    def testers(self) -> list[early_access.Tester]:
        """Who is to get the pre-release apps.

        Raises:
            PermanentError: no groups are set for it, or one of them is not there.
        """
        with self._reading() as connection:
            return early_access.testers(connection, self._settings.early_access)
