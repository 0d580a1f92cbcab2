"""The console's API, from the description that it serves itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncd.web import pages
from syncd.web.openapi import description
from tools.reference.markdown import code, sentences, table

_ROOT = "/api/v1"
_INTRODUCTION = """# The API

What the console shows and does, for programs with a token ([the console](../docs/console.md#programs)). It describes itself,
as OpenAPI 3.1, at `/api/v1/openapi.json`. Every answer that is no success is `application/problem+json`: [Problem](#of-problem).
"""


def page() -> str:
    """The page."""
    described = description(pages.ALL, _ROOT)
    schemas = described["components"]["schemas"]
    parts = [_INTRODUCTION]
    room = ""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != room:
                room = operation["tags"][0]
                parts.append(f"## {room.replace('_', ' ').capitalize()}\n")
            parts += _operation(f"{method.upper()} {_ROOT}{path}", operation)
    parts.append("## Documents\n")
    for name in sorted(schemas):
        parts += _document(name, schemas[name])
    return "\n".join(parts)


def _operation(title: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {code(title)}\n"
    yield f"{operation['summary']} {operation['description']}\n"
    if parameters := operation["parameters"]:
        rows = [(code(one["name"]), one["in"], one.get("description", "")) for one in parameters]
        yield table(("parameter", "in", "meaning"), rows)
    if "requestBody" in operation:
        yield f"Sent: {_kind(operation['requestBody']['content']['application/json']['schema'])}\n"
    ((media, answer),) = operation["responses"]["200"]["content"].items()
    yield f"Answered: {_kind(answer['schema']) if media != '*/*' else 'a file'}\n"


def _document(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {_short(name)} {{#of-{name.lower()}}}\n"
    if said := schema.get("description"):
        yield f"{sentences(said)}\n"
    if properties := schema.get("properties"):
        required = schema.get("required", ())
        rows = [
            (code(key), _kind(one) + ("" if key in required else ", optional"), one.get("description", ""))
            for key, one in properties.items()
        ]
        yield table(("key", "value", "meaning"), rows)
    elif "enum" in schema:
        yield ", ".join(code(str(value)) for value in schema["enum"]) + "\n"


def _kind(schema: dict[str, Any]) -> str:
    if place := schema.get("$ref"):
        name = place.rpartition("/")[2]
        return f"[{_short(name)}](#of-{name.lower()})"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(one) for one in several))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return ", ".join(code(str(value)) for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if isinstance(within := schema.get("additionalProperties"), dict):
        return f"name → {_kind(within)}"
    return str(schema.get("format") or schema.get("type") or "any")


def _short(name: str) -> str:
    """Where two documents have one name, the description puts their rooms before it."""
    return name.rpartition("__")[2]
