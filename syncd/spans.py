"""Spans of a run for OpenTelemetry: how long each step took, and how many of what it worked on. Never whom.

Without `tracing` in the configuration nothing is imported, and a span costs a call that does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from syncd.errors import UsageError

if TYPE_CHECKING:
    from syncd.config_watching import TracingConfig

STEPS: Final = ("run", "read", "ingest", "account", "compare", "plan", "review", "apply")
"""`ingest` is one source, inside `read`; `compare` resolves and diffs, one group of records after the other."""


class Span(Protocol):
    """A step that is under way."""

    def count(self, **numbers: float | str) -> None:
        """How many of what; names of sources and commands are no personal data."""
        ...


class _Silent:
    def count(self, **numbers: float | str) -> None:
        """Nobody listens."""


_SILENT: Final = _Silent()
_tracer: list[Any] = []


def span(step: str, **numbers: float | str) -> AbstractContextManager[Span]:
    """A step of a run, as long as the block lasts. An error inside is noted by its kind, without its words."""
    return _telling(step, numbers) if _tracer else nullcontext(_SILENT)


@contextmanager
def _telling(step: str, numbers: dict[str, float | str]) -> Iterator[Span]:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - only where it is configured

    with _tracer[0].start_as_current_span(step, record_exception=False, set_status_on_exception=False) as here:
        heard = _Heard(here)
        heard.count(**numbers)
        try:
            yield heard
        except BaseException as error:
            here.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


class _Heard:
    def __init__(self, here: Any) -> None:
        self._here = here

    def count(self, **numbers: float | str) -> None:
        """See `Span`."""
        self._here.set_attributes({f"syncd.{name}": value for name, value in numbers.items()})


@contextmanager
def tracing(config: TracingConfig | None) -> Iterator[None]:
    """Send spans to the configured endpoint as long as the block lasts; what waits is sent at its end, for a few seconds.

    Raises:
        UsageError: the library is not installed.
    """
    if config is None or _tracer:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError:
        cure = "install fluix-syncd[otel], or remove `tracing`"
        raise UsageError("traces need OpenTelemetry, which is not installed", where="tracing", cure=cure) from None
    headers = {"Authorization": config.authorization.reveal()} if config.authorization else None
    exporter = OTLPSpanExporter(endpoint=config.endpoint, headers=headers, timeout=config.timeout_seconds)
    provider = TracerProvider(resource=Resource({"service.name": "fluix-syncd"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer[:] = [provider.get_tracer("syncd")]
    try:
        yield
    finally:
        _tracer.clear()
        provider.force_flush(int(config.timeout_seconds * 1000))
        provider.shutdown()
