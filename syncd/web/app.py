"""The web application: what a worker of the web side answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel, get_locale
from werkzeug.exceptions import HTTPException

from syncd.bootstrap import App
from syncd.web import api, console, pages
from syncd.web.access.cookies import BetweenPages
from syncd.web.guards import add_guards
from syncd.web.health import add_health
from syncd.web.hooks import add_hooks
from syncd.web.navigation import menu
from syncd.web.observing import add_observing
from syncd.web.problems import problem_of
from syncd.web.roles import Access, Who
from syncd.web.seals import seal

LANGUAGES = ("en", "de")
"""Those that there are catalogues of; the first needs none."""


def web_app(app: App, access: Access | None = None) -> Flask:
    """Everything that is served.

    Args:
        app: the program, with a store that is this process's own.
        access: tells who calls; without it there is no console and no API.
    """
    web = Flask("syncd.web", static_folder=None)

    serve = app.config.serve
    public = [urlsplit(serve.public_url).hostname or ""] if serve.public_url else []
    add_guards(web, serve.listen, [*serve.hosts, *filter(None, public)])
    add_health(web, app)
    add_observing(web, app)

    @web.errorhandler(HTTPException)
    def refused(error: HTTPException) -> ResponseReturnValue:
        if request.path.startswith(f"{api.ROOT}/"):
            return api.answered(problem_of(error))
        return _plain({"status": error.code, "title": error.name}, error.code or 500)

    if any(source.type == "scim_push" for source in app.config.sources):
        from syncd.web.scim import add_scim  # noqa: PLC0415 - see there

        add_scim(web, app)
    add_hooks(web, app)
    if access:
        _add_console(web, app, access)
    return web


def _add_console(web: Flask, app: App, access: Access) -> None:
    web.secret_key = seal(app.store, "cookies")
    web.session_interface = BetweenPages()
    Babel(web, locale_selector=_language)
    web.add_template_global(menu(console.ROOT, pages.ALL), "navigation")
    web.context_processor(lambda: {"language": str(get_locale())})
    web.register_blueprint(console.console_blueprint(app, access, pages.ALL))
    web.register_blueprint(api.api_blueprint(app, access, pages.ALL))


def _language() -> str | None:
    if request.path.startswith(f"{api.ROOT}/"):  # a program reads it
        return LANGUAGES[0]
    who: Who | None = g.get("who")
    return (who and who.language) or request.accept_languages.best_match(LANGUAGES)


def _plain(document: dict[str, Any], status: int = 200) -> ResponseReturnValue:
    answer = jsonify(document)
    answer.headers["Cache-Control"] = "no-store"
    return answer, status
