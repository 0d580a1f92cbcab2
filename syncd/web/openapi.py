"""The API, described as OpenAPI 3.1, made of what `frame` has: what is described is served, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from syncd.web.desk import Download, Query
from syncd.web.frame import LARGEST, Entry
from syncd.web.problems import Problem

_PLACE: Final = "#/components/schemas/{model}"
_PART = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": _PLACE.format(model="Problem")}}}
_REFUSALS: Final = {
    "400": "What was sent makes no sense here.",
    "401": "No valid token.",
    "403": "The token's role may not.",
    "404": "There is no such thing.",
    "409": "It may not be done, as things are.",
    "415": "The body is not JSON.",
    "422": "What was sent is not what is asked for; `faults` says where.",
    "503": "The store or another system is away; try again later.",
}


def description(entries: Iterable[Entry], root: str) -> dict[str, Any]:
    """The whole document.

    Args:
        entries: everything that is served.
        root: the address below which it is served.
    """
    entries = list(entries)
    answers: set[type[BaseModel]] = {Problem, *(entry.answer for entry in entries if entry.answer is not Download)}
    asked: set[type[BaseModel]] = {entry.asked for entry in entries if entry.kind != "page"}
    wanted = [*((one, "serialization") for one in _sorted(answers)), *((one, "validation") for one in _sorted(asked))]
    _, schemas = models_json_schema(wanted, ref_template=_PLACE)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for entry in entries:
        paths.setdefault(_PART.sub(r"{\1}", entry.path), {})[entry.method.lower()] = _operation(entry)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fluix-syncd",
            "version": version("fluix-syncd"),
            "description": "What the console shows and does, for programs.",
        },
        "servers": [{"url": root}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _sorted(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(models, key=lambda one: one.__name__)


def _operation(entry: Entry) -> dict[str, Any]:
    of_the_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0, "maximum": LARGEST}
            if kind == "int"
            else {"type": "string", "minLength": 1},
        }
        for name, kind in entry.parts()
    ]
    operation: dict[str, Any] = {
        "operationId": entry.name,
        "tags": [entry.room],
        "summary": entry.summary,
        "description": f"Takes the role {entry.role.word}.",
        "parameters": of_the_path,
        "responses": {
            "200": {"description": "Done.", "content": _content(entry.answer)},
            **{code: {"description": said, "content": _PROBLEM} for code, said in _REFUSALS.items()},
        },
    }
    if issubclass(entry.asked, Query):
        operation["parameters"] = of_the_path + _of_the_address(entry.asked)
    else:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(entry.asked)}},
        }
    return operation


def _content(answer: type[BaseModel]) -> dict[str, Any]:
    if issubclass(answer, Download):
        return {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": _ref(answer)}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _PLACE.format(model=model.__name__)}


def _of_the_address(asked: type[Query]) -> list[dict[str, Any]]:
    schema = asked.model_json_schema()
    required = schema.get("required", [])
    return [
        {
            "name": name if said.get("type") != "array" else f"{name}[]",
            "in": "query",
            "required": name in required,
            "description": said.get("description", ""),
            "schema": said,
        }
        for name, said in schema.get("properties", {}).items()
    ]
