"""Errors as HTTP: one document for programs (RFC 9457, `application/problem+json`), a calm page for people."""

from __future__ import annotations

import logging
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import HTTPException

from connectors.errors import PermanentError
from connectors.errors import RefusedError as RefusedThereError
from mdm.errors import MdmError
from syncd.errors import LockedError, UsageError, advice
from syncd.web.errors import NotFoundError, RefusedError

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


def problem_of(error: Exception) -> Problem:
    """What to tell of an error; of a mistake of ours nothing but that there is one, and its traceback goes to the log."""
    if isinstance(error, HTTPException):
        return _problem(error.code or 500, detail=error.description or "")
    if isinstance(error, ValidationError):
        faults = [Fault(where=".".join(map(str, one["loc"])), what=one["msg"]) for one in error.errors()]
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail="what was sent is not what is asked for", faults=faults)
    told = advice(error)
    if told is None:
        _log.error("a page failed", exc_info=error)
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail="a mistake of this program; its log has more")
    return _problem(_status(error), detail=told.what, where=told.where, cure=told.cure)


def _status(error: Exception) -> HTTPStatus:
    match error:
        case NotFoundError():
            return HTTPStatus.NOT_FOUND
        case RefusedError() | RefusedThereError() | LockedError():
            return HTTPStatus.CONFLICT
        case UsageError() | PermanentError() | MdmError():
            return HTTPStatus.BAD_REQUEST
    return HTTPStatus.SERVICE_UNAVAILABLE


def _problem(status: int, **said: object) -> Problem:
    return Problem(title=HTTPStatus(status).phrase, status=int(status), **said)
