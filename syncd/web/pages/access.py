"""Who may: people, who of them is logged in, tokens of programs. For admins alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import Field
from sqlalchemy import Connection, Row

from syncd.store.engine import reading, writing
from syncd.web.access import attempts, links, sessions, tokens, totp, users
from syncd.web.desk import SHOWN, Desk, Document, Done, Form, Query, Shown
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()
HERE = "/access"
RoleName = Literal["viewer", "operator", "approver", "admin"]


class UserLine(Document):
    """One person who may."""

    user_id: int
    name: str
    role: str
    by: Literal["password", "oidc"]
    ready: bool
    """Whether the person can come in: False until a password was set."""
    second_factor: bool
    made_at: datetime
    login_at: datetime | None
    waits_seconds: int
    """Until an attempt to log in is looked at again; 0: it is now."""


class SessionLine(Document):
    """One browser that is logged in."""

    session_id: int
    name: str
    began_at: datetime
    seen_at: datetime
    address: str
    agent: str
    this: bool
    """Whether it is the one that asks."""


class TokenLine(Document):
    """One token of a program, without what is secret in it."""

    token_id: int
    name: str
    prefix: str
    role: str
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    state: str


class Access(Document):
    """Who may."""

    users: list[UserLine]
    sessions: list[SessionLine]
    tokens: list[TokenLine]


class AddUser(Form):
    """Somebody new."""

    name: str = Field(description="As the person writes it at the login.")
    role: RoleName = "viewer"


class ChangeRole(Form):
    """What somebody may do from now on."""

    role: RoleName


class AddToken(Form):
    """A new token."""

    name: str = Field(description="Of the program that calls with it.")
    role: RoleName = "viewer"
    days: Annotated[int, Field(ge=1, le=3650, description="How long it lasts; none: until it is revoked.")] | None = (
        None
    )


def session_lines(desk: Desk, connection: Connection, user_id: int | None = None) -> list[SessionLine]:
    """Who is logged in; only one person's sessions where it is said whose."""
    return [
        SessionLine(
            session_id=row.id,
            name=row.name,
            began_at=row.began_at,
            seen_at=row.seen_at,
            address=row.address,
            agent=row.agent,
            this=row.id == desk.who.session_id,
        )
        for row in sessions.listed(connection, lasts_of(desk), desk.now, user_id)
    ]


def lasts_of(desk: Desk) -> sessions.Lasts:
    """How long sessions last."""
    return sessions.Lasts(*desk.app.config.access.lasts)


@room.page(HERE, "access.html", Role.ADMIN)
def who_may(desk: Desk, asked: Query) -> Access:
    """Who may: people, their sessions, tokens of programs."""
    del asked
    now = desk.now
    with reading(desk.store) as connection:
        return Access(
            users=[_user(connection, row, now) for row in users.listed(connection)],
            sessions=session_lines(desk, connection),
            tokens=[_token(row, now) for row in tokens.listed(connection)],
        )


@room.deed("/access/users/add", Role.ADMIN, SHOWN)
def add_user(desk: Desk, form: AddUser) -> Shown:
    """Let somebody in: makes a link with which the person sets a password."""
    with writing(desk.store) as connection:
        user_id = users.add(connection, form.name, Role.of(form.role), desk.now)
        path = links.make(connection, user_id, desk.now, made_by=desk.who.name)
    return _link(
        _(
            "%(name)s may come in as %(role)s, once the person has set a password with this link.",
            name=form.name,
            role=form.role,
        ),
        path,
    )


@room.deed("/access/users/<int:user_id>/link", Role.ADMIN, SHOWN)
def link_user(desk: Desk, form: Form, user_id: int) -> Shown:
    """Make a link with which somebody sets a new password; the old one is good until then."""
    del form
    with _one(desk, user_id) as (connection, user):
        if user.issuer:
            raise RefusedError(
                _("%(name)s has no password here: the identity provider vouches for the person", name=user.name)
            )
        path = links.make(connection, user_id, desk.now, made_by=desk.who.name)
    return _link(_("With this link %(name)s sets a new password.", name=user.name), path)


@room.deed("/access/users/<int:user_id>/role", Role.ADMIN)
def change_role(desk: Desk, form: ChangeRole, user_id: int) -> Done:
    """Let somebody do more, or less; the person is logged out of everything, and logs in again."""
    with _one(desk, user_id) as (connection, user):
        users.set_role(connection, user, Role.of(form.role))
    return Done(
        message=_("%(name)s is %(role)s now, and has to log in again.", name=user.name, role=form.role), go=HERE
    )


@room.deed("/access/users/<int:user_id>/unlock", Role.ADMIN)
def unlock_user(desk: Desk, form: Form, user_id: int) -> Done:
    """Forget failed attempts to log in, so that nobody has to wait."""
    del form
    with _one(desk, user_id) as (connection, user):
        attempts.forgive(connection, attempts.of_account(user.name_key))
    return Done(message=_("%(name)s can log in again.", name=user.name), go=HERE)


@room.deed("/access/users/<int:user_id>/second-factor", Role.ADMIN)
def drop_second_factor(desk: Desk, form: Form, user_id: int) -> Done:
    """Ask somebody for no codes any more, for whoever lost the phone and the recovery codes."""
    del form
    with _one(desk, user_id) as (connection, user):
        totp.remove(connection, user_id)
        users.end_sessions(connection, user_id)
    return Done(message=_("%(name)s is asked for the password alone.", name=user.name), go=HERE)


@room.deed("/access/users/<int:user_id>/remove", Role.ADMIN)
def remove_user(desk: Desk, form: Form, user_id: int) -> Done:
    """Let somebody in no longer, at once."""
    del form
    with _one(desk, user_id) as (connection, user):
        users.remove(connection, user)
    return Done(message=_("%(name)s may not come in any more.", name=user.name), go=HERE)


@room.deed("/access/sessions/<int:session_id>/end", Role.ADMIN)
def end_session(desk: Desk, form: Form, session_id: int) -> Done:
    """Log somebody's browser out, at once."""
    del form
    with writing(desk.store) as connection:
        if not sessions.end(connection, session_id):
            raise NotFoundError(
                _("there is no session %(session_id)s", session_id=session_id), cure=_("it may be over already")
            )
    return Done(message=_("That browser is logged out."), go=HERE)


@room.deed("/access/tokens/add", Role.ADMIN, SHOWN)
def add_token(desk: Desk, form: AddToken) -> Shown:
    """Make a token for a program, and show it: this once."""
    lasts = timedelta(days=form.days) if form.days else None
    with writing(desk.store) as connection:
        secret, row = tokens.issue(
            connection, form.name, Role.of(form.role), desk.now, made_by=desk.who.name, lasts=lasts
        )
    message = _("The token %(name)s is %(role)s. It is not shown again.", name=row.name, role=row.role)
    return Shown(message=message, go=HERE, kind="token", secrets=(secret,))


@room.deed("/access/tokens/<int:token_id>/revoke", Role.ADMIN)
def revoke_token(desk: Desk, form: Form, token_id: int) -> Done:
    """Make a token worthless, at once."""
    del form
    with writing(desk.store) as connection:
        row = tokens.revoke(connection, token_id, desk.now)
    return Done(message=_("The token %(name)s is worthless now.", name=row.name), go=HERE)


@contextmanager
def _one(desk: Desk, user_id: int) -> Iterator[tuple[Connection, Row[Any]]]:
    with writing(desk.store) as connection:
        yield connection, users.find(connection, user_id)


def _link(message: str, path: str) -> Shown:
    hours = int(links.LASTS.total_seconds() // 3600)
    return Shown(
        message=_("%(message)s It is good once, for %(hours)s h.", message=message, hours=hours),
        go=HERE,
        kind="link",
        secrets=(path,),
    )


def _user(connection: Connection, row: Row[Any], now: datetime) -> UserLine:
    return UserLine(
        user_id=row.id,
        name=row.name,
        role=row.role,
        by="oidc" if row.issuer else "password",
        ready=bool(row.issuer or row.password),
        second_factor=row.totp is not None,
        made_at=row.made_at,
        login_at=row.login_at,
        waits_seconds=round(attempts.waits(connection, attempts.of_account(row.name_key), now)),
    )


def _token(row: Row[Any], now: datetime) -> TokenLine:
    return TokenLine(
        token_id=row.id,
        name=row.name,
        prefix=row.prefix,
        role=row.role,
        made_by=row.made_by,
        made_at=row.made_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        state=tokens.state_of(row, now),
    )
