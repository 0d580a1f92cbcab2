"""The pipe of the log: structlog on top of `logging`, so that libraries and our events are written in the same way."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TextIO

from syncd.log import cut
from syncd.log_structlog import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

    from syncd.config_watching import LogConfig

_Formatter: Final = structlog.stdlib.ProcessorFormatter
_QUIET: Final = ("syncd.ldap", "syncd.scim", "httpx", "apscheduler", "alembic")
"""Loggers of what is told for each request, search or statement: only where everything is written."""


class Pipe:
    """Writes the log of this process.

    Args:
        config: how.
        key: with which emails are digested.
        stream: where to; None: standard error.
    """

    def __init__(self, config: LogConfig, key: bytes, stream: TextIO | None) -> None:
        shared = _shared(config, key)
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(
            _Formatter(foreign_pre_chain=shared, processors=[_Formatter.remove_processors_meta, _renderer(config)])
        )
        handler.addFilter(_not_shown_already)
        root = logging.getLogger()
        root.handlers = [one for one in root.handlers if not isinstance(one.formatter, _Formatter)]
        root.addHandler(handler)
        root.setLevel(config.level.upper())
        for name in _QUIET:
            logger = logging.getLogger(name)
            if not logger.handlers:
                logger.setLevel(logging.DEBUG if config.level == "debug" else logging.WARNING)
        structlog.configure(
            processors=[structlog.stdlib.filter_by_level, *shared, _Formatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        self._log = structlog.stdlib.get_logger("syncd")

    def tell(self, level: str, event: str, values: Mapping[str, Any]) -> None:
        """Write one event."""
        getattr(self._log, level)(event, **values)

    @staticmethod
    def about(**values: Any) -> AbstractContextManager[None]:
        """Whatever is told inside carries these values."""
        return structlog.contextvars.bound_contextvars(**values)


def _shared(config: LogConfig, key: bytes) -> list[Processor]:
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    return [*chain, _cutting(key)] if config.personal == "cut" else chain


def _renderer(config: LogConfig) -> Processor:
    if config.format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=False, timestamp_key="at", pad_event_to=24)


def _cutting(key: bytes) -> Processor:
    def leaves(value: Any) -> Any:
        if isinstance(value, str):
            return cut(value, key)
        if isinstance(value, dict):
            return {leaves(name): leaves(one) for name, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [leaves(one) for one in value]
        return value if isinstance(value, bool | int | float | None) else cut(str(value), key)

    def processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # What begins with _ is structlog's own: it is taken out before anything is written.
        return {name: value if name.startswith("_") else leaves(value) for name, value in event.items()}

    return processor


def _not_shown_already(record: logging.LogRecord) -> bool:
    """What `-v` shows by itself is not written twice."""
    return record.name not in _QUIET or not logging.getLogger(record.name).handlers
