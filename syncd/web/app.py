"""The web application: what a worker of the web side answers."""

from __future__ import annotations

from typing import Any

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from syncd.bootstrap import App
from syncd.store.engine import reading
from syncd.web.scim import add_scim


def web_app(app: App) -> Flask:
    """Everything that is served.

    Args:
        app: the program, with a store that is this process's own.
    """
    web = Flask("syncd.web", static_folder=None)

    @web.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Whether this process answers."""
        return _plain({"status": "ok"})

    @web.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Whether the store answers as well."""
        with reading(app.store) as connection:
            connection.execute(select(1)).scalar_one()
        return _plain({"status": "ok"})

    @web.errorhandler(HTTPException)
    def refused(error: HTTPException) -> ResponseReturnValue:
        return _plain({"status": error.code, "title": error.name}, error.code or 500)

    add_scim(web, app)
    return web


def _plain(document: dict[str, Any], status: int = 200) -> ResponseReturnValue:
    answer = jsonify(document)
    answer.headers["Cache-Control"] = "no-store"
    return answer, status
