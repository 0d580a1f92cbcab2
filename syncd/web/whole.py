"""Everything that is served, with the real doors: what a process of the web side answers with."""

from __future__ import annotations

from flask import Flask

from syncd.bootstrap import App
from syncd.web.access.doors import Doors
from syncd.web.access.house import ConsoleAccess
from syncd.web.access.oidc import Provider
from syncd.web.app import web_app


def whole_app(app: App) -> Flask:
    """The web application, its console behind a login.

    Args:
        app: the program, with a store that is this process's own.
    """
    access = ConsoleAccess(app)
    web = web_app(app, access)
    oidc = app.config.access.oidc
    web.register_blueprint(Doors(access, Provider(oidc) if oidc else None).blueprint())
    return web
