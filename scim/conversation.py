"""Recorded conversations: what an identity provider sends, and what must come back. For tests and for `syncd scim doctor`.

A conversation is a YAML file under `scim/conversations/<dialect>/`, written by us after the vendor's documentation:

    title: Deactivate a user
    source: where the vendor says so
    steps:
      - does: what the provider does, in words
        send: {method: POST, path: /Users, query: {…}, body: {…}}
        expect: {status: 201, body: {userName: "…"}, without: [password]}
        keep: {user: id}
    afterwards: further steps, done whatever happened before: they leave the server as it was

`${user}` stands for what an earlier step kept, `${run}` for a word that no other playing uses. An expected body is a part of the
one that comes: of a list each expected entry is to be among the given ones, `[]` is an empty or missing list, and null a missing
value. May not: know the server from inside; it is spoken to by HTTP alone.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import yaml

if TYPE_CHECKING:
    from flask.testing import FlaskClient

_MEDIA_TYPE = "application/scim+json"
_NAMED = re.compile(r"\$\{(\w+)\}")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, the headers in lower case, and the parsed body (None where there is none)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class Sender(Protocol):
    """How a request goes out, below the tenant's base path."""

    def __call__(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
        """Send one request; `body` is JSON, or None for no body."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what is expected of its answer."""

    does: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    statuses: tuple[int, ...]
    expected: Any
    without: tuple[str, ...]
    keep: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One recorded conversation."""

    dialect: str
    name: str
    title: str
    source: str
    steps: tuple[Step, ...]
    afterwards: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """How one step went: no problems means as expected; `status` is None where it could not be sent."""

    step: Step
    status: int | None
    problems: tuple[str, ...]


def conversations(dialect: str) -> list[Conversation]:
    """The recorded conversations of a dialect, in the order of their names."""
    folder = importlib.resources.files("scim") / "conversations" / dialect
    if not folder.is_dir():
        return []
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return [_read(dialect, file.name.removesuffix(".yaml"), file.read_text(encoding="utf-8")) for file in files]


def _read(dialect: str, name: str, text: str) -> Conversation:
    given = yaml.safe_load(text)
    steps, afterwards = (tuple(map(_step, given.get(part, ()))) for part in ("steps", "afterwards"))
    return Conversation(dialect, name, given["title"], given["source"], steps, afterwards)


def _step(given: Mapping[str, Any]) -> Step:
    send, expect = given["send"], given["expect"]
    status = expect["status"]
    return Step(
        does=given["does"],
        method=send["method"],
        path=send["path"],
        query={key: str(value) for key, value in send.get("query", {}).items()},
        body=send.get("body"),
        statuses=tuple(status) if isinstance(status, list) else (status,),
        expected=expect.get("body"),
        without=tuple(expect.get("without", ())),
        keep=given.get("keep", {}),
    )


def play(conversation: Conversation, send: Sender, run: str) -> Iterator[Heard]:
    """Play a conversation against a server, and say of each step how it went.

    Args:
        conversation: what to play.
        send: how requests go out.
        run: a word that makes names unlike those of any other playing.
    """
    values = {"run": run}
    for step in (*conversation.steps, *conversation.afterwards):
        yield _heard(step, send, values)


def _heard(step: Step, send: Sender, values: dict[str, str]) -> Heard:
    wanted = {name for part in (step.path, step.query, step.body) for name in _NAMED.findall(json.dumps(part))}
    if missing := sorted(wanted - set(values)):
        return Heard(step, None, (f"not sent: an earlier step did not give {', '.join(missing)}",))
    path = str(_filled(step.path, values))
    reply = send(step.method, path, _filled(step.query, values), _filled(step.body, values))
    problems = list(_problems(step, reply, values))
    for name, where in step.keep.items():
        found = _at(reply.body, where)
        if found is None:
            problems.append(f"the answer has no {where}")
        else:
            values[name] = str(found)
    return Heard(step, reply.status, tuple(problems))


def _problems(step: Step, reply: Reply, values: Mapping[str, str]) -> Iterator[str]:
    if reply.status not in step.statuses:
        expected = " or ".join(map(str, step.statuses))
        said = reply.body.get("detail") if isinstance(reply.body, dict) else None
        yield f"answered {reply.status} instead of {expected}" + (f": {said}" if said else "")
        return
    if step.expected is not None:
        yield from _differences(_filled(step.expected, values), reply.body, "the body")
    for name in step.without:
        if _at(reply.body, name) is not None:
            yield f"the answer shows {name}"


def _differences(expected: Any, given: Any, where: str) -> Iterator[str]:
    match expected:
        case dict():
            if not isinstance(given, dict):
                yield f"{where} is {_shown(given)} instead of an object"
                return
            for key, value in expected.items():
                yield from _differences(value, given.get(key), key if where == "the body" else f"{where}.{key}")
        case []:
            if given not in (None, []):
                yield f"{where} is {_shown(given)} instead of empty"
        case list():
            for value in expected:
                if not any(not list(_differences(value, one, where)) for one in given or ()):
                    yield f"{where} has no {_shown(value)}, but {_shown(given)}"
        case _:
            if type(expected) is not type(given) or expected != given:
                yield f"{where} is {_shown(given)} instead of {_shown(expected)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _NAMED.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {_filled(key, values): _filled(one, values) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_filled(one, values) for one in value]
    return value


def _at(body: Any, where: str) -> Any:
    """The value at `Resources.0.id`; a URN, which has dots of its own, can only be the whole of it."""
    if isinstance(body, dict) and where in body:
        return body[where]
    for part in where.split("."):
        match body:
            case dict():
                body = body.get(part)
            case list() if part.isdigit() and int(part) < len(body):
                body = body[int(part)]
            case _:
                return None
    return body


def through_flask(client: FlaskClient, base: str, headers: Mapping[str, str]) -> Sender:
    """Requests through a Flask test client, below the path `base`."""

    def send(method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
        data = None if body is None else json.dumps(body)
        answer = client.open(
            base + path, method=method, query_string=dict(query), data=data, headers=_headers(headers, body)
        )
        return _reply(answer.status_code, answer.headers, answer.get_data())

    return send


def through_http(client: httpx.Client, base: str, headers: Mapping[str, str]) -> Sender:
    """Requests by HTTP, below the address `base`.

    Raises (when called):
        httpx.HTTPError: the server cannot be reached.
    """

    def send(method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
        content = None if body is None else json.dumps(body).encode()
        url = base.rstrip("/") + path
        answer = client.request(method, url, params=dict(query), content=content, headers=_headers(headers, body))
        return _reply(answer.status_code, answer.headers, answer.content)

    return send


def _headers(headers: Mapping[str, str], body: Any) -> dict[str, str]:
    kind = {} if body is None else {"Content-Type": _MEDIA_TYPE}
    return {"Accept": _MEDIA_TYPE, **kind, **headers}


def _reply(status: int, headers: Any, content: bytes) -> Reply:
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    return Reply(status, {key.lower(): value for key, value in headers.items()}, body)
