"""users: the embedded account's users, as an admin sees them. One file for what belongs together."""

from __future__ import annotations

import click

from syncd.cli.devices import accept, devices, reset_password, sign_in
from syncd.cli.users.changes import add, delete, edit, invite, role
from syncd.cli.users.early_access import early_access
from syncd.cli.users.files import export, import_
from syncd.cli.users.history import activity, request_data
from syncd.cli.users.lists import list_, show


@click.group()
def users() -> None:
    """The users of the embedded Fluix account."""


for _command in (
    *(list_, show, add, edit, role, import_, export, invite, delete),
    *(devices, reset_password, activity, request_data, early_access, accept, sign_in),
):
    users.add_command(_command)
