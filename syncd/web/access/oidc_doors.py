"""The way to the identity provider and back: /login/oidc and /login/oidc/back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, Row, select
from werkzeug.exceptions import BadRequest

from syncd.sayings import Said
from syncd.store.audit import Event, append
from syncd.store.console_tables import console_users
from syncd.store.engine import writing
from syncd.web.access import users
from syncd.web.access.errors import NoRoleError
from syncd.web.access.house import ConsoleAccess
from syncd.web.access.oidc import Provider, Trip, Vouched
from syncd.web.guards import own_path

_TRIP: Final = "trip"
_PATIENCE: Final = timedelta(minutes=15)
"""In which the browser has to come back."""


def add_oidc(
    doors: Blueprint, provider: Provider, access: ConsoleAccess, enter: Callable[..., ResponseReturnValue]
) -> None:
    """Serve both.

    Args:
        doors: where the other doors are.
        provider: the identity provider.
        access: the program, and its clock.
        enter: begins a session for a person.
    """
    app = access.app

    @doors.get("/login/oidc")
    def to_provider() -> ResponseReturnValue:
        back = own_path(request.args.get("back"), "/console/")
        address, trip = provider.begin(url_for("doors.from_provider", _external=True), back, app.clock())
        session[_TRIP] = trip.as_dict()
        return redirect(address)

    @doors.get("/login/oidc/back")
    def from_provider() -> ResponseReturnValue:
        kept, now = session.pop(_TRIP, None), app.clock()
        if kept is None or now > datetime.fromisoformat(kept["at"]) + _PATIENCE:
            raise BadRequest(Said("this login was not begun in this browser, or too long ago: begin anew"))
        here = url_for("doors.from_provider", _external=True)
        try:
            vouched = provider.finish(request.args, Trip(**kept), here, now)
        except NoRoleError as error:
            with writing(app.store) as connection:
                detail = {"why": error.what, "address": request.remote_addr or ""}
                append(connection, [Event("console", "refuse_login", provider.issuer, detail)], now)
            raise
        with writing(app.store) as connection:
            user = _known(connection, vouched, now)
        return enter(user, kept["back"], "oidc", vouched.id_token)


def _known(connection: Connection, vouched: Vouched, now: datetime) -> Row[Any]:
    """The person's row, with the role that the groups give now: another one than before ends what was begun with that.

    Raises:
        RefusedError: somebody else has the name here.
    """
    table = console_users.c
    query = select(console_users).where(table.issuer == vouched.issuer, table.subject == vouched.subject)
    user = connection.execute(query).one_or_none()
    if user is None:
        number = users.add(connection, vouched.name, vouched.role, now, issuer=vouched.issuer, subject=vouched.subject)
        return users.find(connection, number)
    users.rename(connection, user, vouched.name)
    if user.role != vouched.role.word:
        users.change_role(connection, user.id, vouched.role)
    return users.find(connection, user.id)
