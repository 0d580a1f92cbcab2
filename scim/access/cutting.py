"""What of a request may be kept: secrets never, values of people only where that is configured. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from scim.access.settings import Log

MOST: Final = 4096
"""Characters that are kept of one body."""

CUT: Final = "…"

_SECRETS = ("password", "client_secret", "access_token", "token", "authorization")
_STRUCTURE = frozenset({"schemas", "op", "method", "bulkid"})
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"?')
_PLAIN_PARAMETERS = frozenset(
    {"startindex", "count", "attributes", "excludedattributes", "sortby", "sortorder", "aadoptscim062020"}
)


def kept_body(body: Any, log: Log) -> str | None:
    """A body as it is kept, as JSON."""
    if body is None or log is Log.NONE:
        return None
    text = orjson.dumps(_kept(body, log, ""), default=str, option=orjson.OPT_NON_STR_KEYS).decode("utf-8", "replace")
    return text if len(text) <= MOST else f"{text[:MOST]}{CUT} ({len(text) - MOST} more)"


def kept_query(query: Mapping[str, str], log: Log) -> str | None:
    """A query as it is kept."""
    if not query or log is Log.NONE:
        return None
    text = "&".join(f"{key}={_parameter(key, value, log)}" for key, value in query.items())
    return text if len(text) <= MOST else text[:MOST] + CUT


def _parameter(key: str, value: str, log: Log) -> str:
    name = key.casefold()
    if name in _SECRETS:
        return CUT
    if name == "filter":
        return kept_filter(value, log)
    return value if log is Log.FULL or name in _PLAIN_PARAMETERS else CUT


def kept_filter(text: str, log: Log) -> str:
    """A filter, or a path with a filter in it, without the texts that it compares with."""
    if log is Log.FULL and "password" not in text.casefold():
        return text
    return _TEXT.sub(f'"{CUT}"', text)


def _kept(value: Any, log: Log, name: str) -> Any:
    folded = name.casefold().rpartition(":")[2]
    match value:
        case _ if folded in _SECRETS:
            return CUT
        case dict():
            secret = str(value.get("path", "")).casefold().rpartition(":")[2] == "password"
            return {
                key: CUT if secret and key.casefold() == "value" else _kept(one, log, str(key))
                for key, one in value.items()
            }
        case list():
            return [_kept(one, log, name) for one in value]
        case str() if folded in {"path", "filter"}:
            return kept_filter(value, log)
    plain = log is Log.FULL or value is None or isinstance(value, bool) or folded in _STRUCTURE
    return value if plain else CUT
