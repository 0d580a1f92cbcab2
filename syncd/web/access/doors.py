"""The pages for whoever is not in yet: /login, /login/code, /setup, and /logout. They work without JavaScript."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Row
from werkzeug.exceptions import TooManyRequests

from syncd.errors import SyncdError
from syncd.store.engine import reading, writing
from syncd.web.access import cookies, entering, links, sessions, users
from syncd.web.access.entering import Visitor
from syncd.web.access.errors import NotBelievedError, TooManyError
from syncd.web.access.house import ConsoleAccess
from syncd.web.access.keys import digest
from syncd.web.guards import own_path
from syncd.web.problems import problem_of

if TYPE_CHECKING:
    from syncd.web.access.oidc import Provider

HOME: Final = "/console/"
_PENDING: Final = "pending"
_PATIENCE: Final = timedelta(minutes=5)
"""In which the code has to follow the password."""


def visitor(now: datetime) -> Visitor:
    """Who stands at the door."""
    return Visitor(request.remote_addr or "", request.headers.get("User-Agent", ""), now)


class Doors:
    """The pages' functions, with what they share.

    Args:
        access: tells who is in already.
        provider: the identity provider, where there is one.
    """

    def __init__(self, access: ConsoleAccess, provider: Provider | None) -> None:
        self.access = access
        self.app = access.app
        self.provider = provider
        self.local = access.app.config.access.local_login

    def blueprint(self) -> Blueprint:
        """All of them."""
        doors = Blueprint("doors", "syncd.web", template_folder="templates")
        doors.add_url_rule("/login", "login", self.login, methods=["GET", "POST"])
        doors.add_url_rule("/logout", "logout", self.logout, methods=["POST"])
        if self.local:
            doors.add_url_rule("/login/code", "code", self.code, methods=["GET", "POST"])
            doors.add_url_rule("/setup", "setup", self.setup, methods=["GET", "POST"])
        if self.provider is not None:
            from syncd.web.access.oidc_doors import add_oidc  # noqa: PLC0415 - a tenth of a second, where there is a provider

            add_oidc(doors, self.provider, self.access, self.enter)

        @doors.errorhandler(Exception)
        def failed(error: Exception) -> ResponseReturnValue:
            problem = problem_of(error)
            if isinstance(error, NotBelievedError):
                refused = HTTPStatus.FORBIDDEN
                problem = problem.model_copy(update={"status": int(refused), "title": refused.phrase})
            headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
            return render_template("closed.html", problem=problem), problem.status, headers

        return doors

    def login(self) -> ResponseReturnValue:
        """Name and password, or the way to the identity provider."""
        back = own_path(request.values.get("back"), HOME)
        if request.method == "GET":
            if self.access.by_session():
                return redirect(back)
            with reading(self.app.store) as connection:
                open_to_nobody = self.local and not self.provider and not users.somebody(connection)
            return self._login_page(back, closed=open_to_nobody)
        self.access.check_csrf()
        name, password = request.form.get("name", ""), request.form.get("password", "")
        user = None
        if self.local:
            try:
                user = entering.with_password(self.app.store, visitor(self.app.clock()), name, password)
            except TooManyError as error:
                raise _too_many(error) from None
        if user is None:
            said = gettext(
                "That did not work. The name or the password is wrong, or there were too many attempts: wait a while."
            )
            return self._login_page(back, said=said, name=name), HTTPStatus.UNAUTHORIZED
        return self._after_password(user, back, "password")

    def code(self) -> ResponseReturnValue:
        """The second factor."""
        pending, now = session.get(_PENDING), self.app.clock()
        if not pending or now > datetime.fromisoformat(pending["at"]) + _PATIENCE:
            return redirect("/login")
        if request.method == "GET":
            return render_template("login_code.html")
        self.access.check_csrf()
        try:
            user = entering.with_code(self.app.store, visitor(now), pending["id"], request.form.get("code", ""))
        except TooManyError as error:
            raise _too_many(error) from None
        if user is None or digest(user.password or "") != pending["mark"]:
            said = gettext(
                "That did not work. The code is wrong or was used, or there were too many attempts: wait a while."
            )
            return render_template("login_code.html", said=said), HTTPStatus.UNAUTHORIZED
        return self.enter(user, pending["back"], "code")

    def setup(self) -> ResponseReturnValue:
        """Make the first admin, or set a password, with a link that is good once."""
        key, now = request.values.get("key", ""), self.app.clock()
        with reading(self.app.store) as connection:
            link = links.find(connection, key, now)
        if link is None:
            return render_template("setup.html", link=None), HTTPStatus.GONE
        if request.method == "GET":
            return render_template("setup.html", link=link, key=key)
        self.access.check_csrf()
        name, password = request.form.get("name", ""), request.form.get("password", "")
        try:
            wanted = entering.Wanted(name, password, request.form.get("again", ""))
            user = entering.by_link(self.app.store, visitor(now), key, wanted)
        except SyncdError as error:
            status, problem = HTTPStatus.UNPROCESSABLE_ENTITY, problem_of(error)
            return render_template("setup.html", link=link, key=key, problem=problem, name=name), status
        if user is None:
            return render_template("setup.html", link=None), HTTPStatus.GONE
        return self._after_password(user, HOME, "link")

    def logout(self) -> ResponseReturnValue:
        """End this session, and the one at the identity provider that let the person in."""
        self.access.check_csrf()
        there = self._logout_there()
        self._end_held()
        session.clear()
        if there:  # a page of ours first: a form may lead nowhere else (form-action in `guards`)
            answer = make_response(render_template("logged_out.html", there=there))
        else:
            flash(gettext("You are logged out."))
            answer = make_response(redirect("/login", 303))
        cookies.take(answer)
        return answer

    def _logout_there(self) -> str | None:
        who = self.access.by_session()
        if self.provider is None or who is None or who.session_id is None:
            return None
        with reading(self.app.store) as connection:
            said = sessions.id_token(connection, who.session_id)
        back_to = url_for("doors.login", _external=True)
        return self.provider.logout_address(said, back_to, self.app.clock()) if said else None

    def enter(self, user: Row[Any], back: str, how: str, id_token: str | None = None) -> ResponseReturnValue:
        """Begin a session of its own, whatever the browser came with, and go on."""
        self._end_held()
        session.clear()
        key = entering.let_in(
            self.app.store, visitor(self.app.clock()), user, self.access.lasts, how, id_token=id_token
        )
        answer = make_response(redirect(own_path(back, HOME), 303))
        cookies.give(answer, key)
        return answer

    def _after_password(self, user: Row[Any], back: str, how: str) -> ResponseReturnValue:
        if user.totp is None:
            return self.enter(user, back, how)
        session.clear()
        with reading(self.app.store) as connection:
            stored = users.find(connection, user.id).password
        now = self.app.clock().isoformat()
        session[_PENDING] = {"id": user.id, "at": now, "back": back, "mark": digest(stored or "")}
        return redirect("/login/code", 303)

    def _login_page(self, back: str, **more: Any) -> str:
        return render_template("login.html", back=back, local=self.local, provider=self.provider, **more)

    def _end_held(self) -> None:
        who = self.access.by_session()
        if who is not None and who.session_id is not None:
            with writing(self.app.store) as connection:
                sessions.end(connection, who.session_id)


def _too_many(error: TooManyError) -> TooManyRequests:
    said = gettext("There were too many attempts from your address.")
    return TooManyRequests(said, retry_after=math.ceil(error.wait))
