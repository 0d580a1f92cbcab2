"""What a person looks after alone: password, second factor, language, and where the person is logged in."""

from __future__ import annotations

from typing import Any, Literal

from flask_babel import gettext as _
from pydantic import Field, SecretStr
from sqlalchemy import Connection, Row, func, select

from connectors.fluix.account.passwords import hashed
from syncd.errors import UsageError
from syncd.store.console_tables import console_codes
from syncd.store.engine import reading, writing
from syncd.web.access import entering, sessions, totp, users
from syncd.web.desk import SHOWN, Desk, Document, Done, Download, Form, Query, Shown
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.pages.access import SessionLine, session_lines
from syncd.web.roles import Role

room = Room()
HERE = "/access/me"


class Me(Document):
    """One's own account."""

    name: str
    role: str
    by: Literal["password", "oidc", "token"]
    language: str | None
    second_factor: bool
    codes_left: int
    """Recovery codes that were not used yet."""
    wanted: str | None
    """The secret for an authenticator app, while its first code is waited for."""
    sessions: list[SessionLine]


class ChangePassword(Form):
    """A new password."""

    password: SecretStr = Field(description="The present one.")
    new: SecretStr
    again: SecretStr = Field(description="The new one once more.")


class ConfirmCode(Form):
    """A code of the app."""

    code: SecretStr


class WithPassword(Form):
    """Something that asks for the password once more."""

    password: SecretStr


class ChooseLanguage(Form):
    """A language; none: the browser's."""

    language: Literal["en", "de"] | None = None


@room.page(HERE, "me.html")
def my_account(desk: Desk, asked: Query) -> Me:
    """One's own account: how to log in, the language, and where one is logged in."""
    del asked
    who = desk.who
    if who.user_id is None:
        return Me(
            name=who.name, role=who.role.word, by="token", language=who.language, second_factor=False, codes_left=0,
            wanted=None, sessions=[],
        )  # fmt: skip
    with reading(desk.store) as connection:
        user = users.find(connection, who.user_id)
        left = select(func.count()).select_from(console_codes).where(console_codes.c.user_id == user.id)
        return Me(
            name=user.name,
            role=user.role,
            by="oidc" if user.issuer else "password",
            language=user.language,
            second_factor=user.totp is not None,
            codes_left=connection.execute(left).scalar_one(),
            wanted=user.totp_wanted,
            sessions=session_lines(desk, connection, user.id),
        )


@room.page("/access/me/code.svg", "")
def code_picture(desk: Desk, asked: Query) -> Download:
    """The QR code that an authenticator app reads, while its first code is waited for."""
    del asked
    with reading(desk.store) as connection:
        user = _mine(desk, connection)
    if user.totp_wanted is None:
        raise NotFoundError(_("no second factor is being set up"), cure=_("begin on your account's page"))
    picture = totp.picture(user.name, user.totp_wanted)
    return Download(name="code.svg", media_type="image/svg+xml", content=picture)


@room.deed("/access/me/password", Role.VIEWER)
def change_password(desk: Desk, form: ChangePassword) -> Done:
    """Take another password; every browser is logged out, this one too."""
    new = form.new.get_secret_value()
    if new != form.again.get_secret_value():
        raise UsageError(_("the two new passwords differ"), cure=_("write the same one twice"))
    user = _proven(desk, form.password)
    hash_ = hashed(new)
    with writing(desk.store) as connection:
        users.set_password(connection, user, new, hash_)
    return Done(message=_("Your password is changed: log in with the new one."), go=HERE)


@room.deed("/access/me/code/begin", Role.VIEWER)
def begin_code(desk: Desk, form: Form) -> Done:
    """Begin to set up a second factor."""
    del form
    with writing(desk.store) as connection:
        user = _mine(desk, connection)
        if user.totp is not None:
            raise RefusedError(_("there is a second factor already"), cure=_("remove that one first"))
        totp.begin(connection, user.id)
    return Done(
        message=_("Read the picture with your authenticator app, then write down the code that it shows."), go=HERE
    )


@room.deed("/access/me/code/confirm", Role.VIEWER, SHOWN)
def confirm_code(desk: Desk, form: ConfirmCode) -> Shown:
    """Ask for codes from now on, and show the recovery codes: this once."""
    with writing(desk.store) as connection:
        user = _mine(desk, connection)
        codes = totp.confirm(connection, user, form.code.get_secret_value(), desk.now)
    message = _(
        "From now on a code is asked for. Each of these replaces one, if the phone is lost; none is shown again."
    )
    return Shown(message=message, go=HERE, kind="codes", secrets=tuple(codes))


@room.deed("/access/me/code/renew", Role.VIEWER, SHOWN)
def renew_recovery_codes(desk: Desk, form: WithPassword) -> Shown:
    """Make new recovery codes, and show them: this once. The former are void."""
    user = _proven(desk, form.password)
    if user.totp is None:
        raise RefusedError(_("there is no second factor that could be lost"))
    with writing(desk.store) as connection:
        codes = totp.new_recovery(connection, user.id)
    message = _("Each of these replaces one code of the app; none is shown again, and the former are void.")
    return Shown(message=message, go=HERE, kind="codes", secrets=tuple(codes))


@room.deed("/access/me/code/remove", Role.VIEWER)
def remove_code(desk: Desk, form: WithPassword) -> Done:
    """Ask for the password alone."""
    user = _proven(desk, form.password)
    with writing(desk.store) as connection:
        totp.remove(connection, user.id)
    return Done(message=_("From now on the password alone is asked for."), go=HERE)


@room.deed("/access/me/language", Role.VIEWER)
def choose_language(desk: Desk, form: ChooseLanguage) -> Done:
    """Read in another language."""
    with writing(desk.store) as connection:
        users.set_language(connection, _mine(desk, connection).id, form.language)
    return Done(message=_("Chosen."), go=HERE)


@room.deed("/access/me/sessions/<int:session_id>/end", Role.VIEWER)
def end_my_session(desk: Desk, form: Form, session_id: int) -> Done:
    """Log one of one's own browsers out, at once."""
    del form
    with writing(desk.store) as connection:
        if not sessions.end(connection, session_id, _mine(desk, connection).id):
            raise NotFoundError(
                _("you have no session %(session_id)s", session_id=session_id), cure=_("it may be over already")
            )
    return Done(message=_("That browser is logged out."), go=HERE)


def _mine(desk: Desk, connection: Connection) -> Row[Any]:
    if desk.who.user_id is None:
        raise RefusedError(_("a token has no account of its own"), cure=_("log in as a person"))
    return users.find(connection, desk.who.user_id)


def _proven(desk: Desk, password: SecretStr) -> Row[Any]:
    """One's own row, once the password was given again: a browser that was left open is not enough."""
    with reading(desk.store) as connection:
        user = _mine(desk, connection)
    if user.issuer:
        raise RefusedError(_("you have no password here"), cure=_("change it at your identity provider"))
    if not entering.is_password(desk.store, user, password.get_secret_value(), desk.now):
        raise UsageError(
            _("that is not your present password, or there were too many attempts"),
            cure=_("wait a while, and try again"),
        )
    return user
