"""The pages and deeds of `frame` as JSON under /api/v1, for programs, which come with a token.

Errors are `application/problem+json` (RFC 9457). The description is /api/v1/openapi.json, made of the same entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests, Unauthorized

from syncd.bootstrap import App
from syncd.web.console import MOST_BYTES, downloaded, plain
from syncd.web.desk import Desk, Download
from syncd.web.frame import Entry
from syncd.web.openapi import description
from syncd.web.problems import Problem, problem_of
from syncd.web.recording import performed, require
from syncd.web.roles import Access

ROOT: Final = "/api/v1"


def api_blueprint(app: App, access: Access, entries: Iterable[Entry]) -> Blueprint:
    """Everything below `/api/v1`."""
    api = Blueprint("api", "syncd.web.api", url_prefix=ROOT)
    told = cache(lambda: description(entries, ROOT))  # a second of work, and a model of each page: when somebody asks

    @api.before_request
    def admit() -> None:
        request.max_content_length = MOST_BYTES
        if request.endpoint != "api.openapi":
            g.who = access.by_token()
            if g.who is None:
                raise Unauthorized("a valid token is asked for: Authorization: Bearer …")

    @api.get("/openapi.json")
    def openapi() -> ResponseReturnValue:
        return jsonify(told())

    @api.errorhandler(Exception)
    def failed(error: Exception) -> ResponseReturnValue:
        answer = answered(problem_of(error))
        if isinstance(error, TooManyRequests):
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer

    for entry in entries:
        api.add_url_rule(entry.rule, entry.name, _answering(app, entry), methods=[entry.method])
    return api


def answered(problem: Problem) -> Response:
    """A problem, as its own media type."""
    answer = Response(problem.model_dump_json(), problem.status, content_type="application/problem+json")
    if problem.status == Unauthorized.code:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="syncd"'
    return answer


def _answering(app: App, entry: Entry) -> Callable[..., ResponseReturnValue]:
    def answer(**of_the_path: Any) -> ResponseReturnValue:
        desk = Desk(app, g.who)
        require(desk.who, entry, by_token=True)
        if request.method == "POST":
            asked = entry.asked.model_validate_json(request.get_data() or b"{}")
        else:
            asked = entry.asked.model_validate(plain(request.args))
        document = performed(desk, entry, asked, of_the_path)
        if isinstance(document, Download):
            return downloaded(document)
        return Response(document.model_dump_json(), content_type="application/json")

    return answer
