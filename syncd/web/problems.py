"""Errors as HTTP: one document for programs (RFC 9457, `application/problem+json`), a calm page for people."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException

from connectors.errors import PermanentError
from connectors.errors import RefusedError as RefusedThereError
from mdm.errors import MdmError
from syncd.errors import LockedError, UsageError, advice
from syncd.sayings import Said
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.words import told

_log = logging.getLogger("syncd.web")


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    where: str
    what: str


class Problem(BaseModel):
    """RFC 9457, section 3.1; `where`, `cure` and `faults` are ours (3.2)."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    where: str = ""
    cure: str = ""
    faults: list[Fault] = []


_FAULTS: Final = {
    "missing": Said("Field required"),
    "extra_forbidden": Said("Extra inputs are not permitted"),
    "string_too_short": Said("String should have at least %(min_length)s characters"),
    "string_too_long": Said("String should have at most %(max_length)s characters"),
    "greater_than_equal": Said("Input should be greater than or equal to %(ge)s"),
    "less_than_equal": Said("Input should be less than or equal to %(le)s"),
    "literal_error": Said("Input should be %(expected)s"),
    "int_parsing": Said("Input should be a valid integer, unable to parse string as an integer"),
}
"""Of what pydantic says of fields, by its type."""


def problem_of(error: Exception) -> Problem:
    """What to tell of an error, in the reader's language where a page answers.

    Of a mistake of ours nothing but that there is one; its traceback goes to the log.
    """
    if isinstance(error, HTTPException):
        return _problem(error.code or 500, detail=told(_described(error)))
    if isinstance(error, ValidationError):
        faults = [Fault(where=".".join(map(str, one["loc"])), what=_wrong(one)) for one in error.errors()]
        return _problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, detail=told(Said("what was sent is not what is asked for")), faults=faults
        )
    known = advice(error)
    if known is None:
        _log.error("a page failed", exc_info=error)
        return _problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, detail=told(Said("a mistake of this program; its log has more"))
        )
    return _problem(_status(error), detail=told(known.what), where=known.where, cure=told(known.cure))


def _status(error: Exception) -> HTTPStatus:
    match error:
        case NotFoundError():
            return HTTPStatus.NOT_FOUND
        case RefusedError() | RefusedThereError() | LockedError():
            return HTTPStatus.CONFLICT
        case UsageError() | PermanentError() | MdmError():
            return HTTPStatus.BAD_REQUEST
    return HTTPStatus.SERVICE_UNAVAILABLE


def _wrong(one: ErrorDetails) -> str:
    """What is wrong with a field, as pydantic says it; the commonest in the reader's language."""
    form = _FAULTS.get(one["type"])
    return told(Said(form, **one.get("ctx", {}))) if form else one["msg"]


def _described(error: HTTPException) -> str:
    """What is wrong; where nobody said so, werkzeug's own words, which are translated by `vocabulary`."""
    own = type(error).description
    return Said(own) if own and error.description == own else error.description or ""


def _problem(status: int, **said: object) -> Problem:
    return Problem(title=HTTPStatus(status).phrase, status=int(status), **said)
