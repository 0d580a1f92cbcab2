"""The pages and deeds of `frame` as HTML, for people.

Reading works without JavaScript; htmx only spares the browser the parts of a page that stay. A deed is a form that is answered
with a redirect, so that going back or loading anew repeats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, Final

from flask import Blueprint, Response, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage, MultiDict

from syncd.bootstrap import App
from syncd.web import words
from syncd.web.desk import Desk, Done, Download
from syncd.web.frame import Entry
from syncd.web.live import add_live
from syncd.web.problems import problem_of
from syncd.web.recording import performed, require
from syncd.web.roles import Access, Who

ROOT: Final = "/console"
_LIST_END: Final = "[]"
MOST_BYTES: Final = 16 * 1024 * 1024
"""No form is larger, with its files."""


def console_blueprint(app: App, access: Access, entries: Iterable[Entry]) -> Blueprint:
    """Everything below `/console`."""
    console = Blueprint("console", "syncd.web", url_prefix=ROOT, template_folder="templates", static_folder="static")

    @console.before_request
    def admit() -> ResponseReturnValue | None:
        if request.endpoint == "console.static":
            return None
        g.who = access.by_session()
        if g.who is None:
            return redirect(access.login_address(request.full_path.rstrip("?")))
        request.max_content_length = MOST_BYTES
        if request.method == "POST":
            access.check_csrf()
        return None

    @console.app_context_processor
    def everywhere() -> dict[str, Any]:
        who: Who | None = g.get("who")
        return {"who": who, "csrf_token": access.csrf_token, "root": ROOT, "now": app.clock(), **words.HELPERS}

    @console.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        problem = problem_of(error)
        return render_template("problem.html", problem=problem), problem.status

    add_live(console, app)
    for entry in entries:
        console.add_url_rule(entry.rule, entry.name, _view(app, entry), methods=[entry.method])
    return console


def _view(app: App, entry: Entry) -> Callable[..., ResponseReturnValue]:
    def view(**of_the_path: Any) -> ResponseReturnValue:
        desk = Desk(app, g.who)
        require(desk.who, entry, by_token=False)
        asked = entry.asked.model_validate(_sent() if request.method == "POST" else plain(request.args))
        document = performed(desk, entry, asked, of_the_path)
        if isinstance(document, Download):
            return downloaded(document)
        if isinstance(document, Done):
            flash(document.message)
            return redirect(ROOT + document.go, 303)
        answer = Response(render_template(entry.template, page=document, asked=asked, entry=entry))
        if request.method == "POST":
            answer.headers["Cache-Control"] = "no-store"
        return answer

    return view


def _sent() -> dict[str, Any]:
    sent = plain(request.form)
    sent.pop("csrf_token", None)
    files = {name: _read(file) for name, file in request.files.items() if file.filename}
    return {**sent, **files}


def _read(file: FileStorage) -> bytes:
    with closing(file):
        content: bytes = file.read()
    return content


def downloaded(file: Download) -> Response:
    """A file as an attachment, kept by nobody on the way."""
    answer = Response(file.content, content_type=file.media_type)
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def plain(sent: MultiDict[str, str]) -> dict[str, Any]:
    """What a form or an address says: a value, or a list where the name ends in `[]`; what was left empty is not said."""
    found: dict[str, Any] = {}
    for name, values in sent.lists():
        if name.endswith(_LIST_END):
            found[name.removesuffix(_LIST_END)] = values
        elif values[-1] != "":
            found[name] = values[-1]
    return found
