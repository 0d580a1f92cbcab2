"""What can be measured, for Prometheus.

Values about the engine are counted in the store when somebody asks, so that every process tells the same; those about requests
are gathered by prometheus_client in files that the web side's processes share.

`METRICS` is the whole list; `docs/metrics.md` is made from it. Names are Prometheus's: base units, `_total` for what only grows.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syncd.core.budgets import NOTHING, WINDOWS
from syncd.store import figures, notices, tallies
from syncd.store.alerts import open_alerts
from syncd.store.engine import REVISION

if TYPE_CHECKING:
    from datetime import datetime

    from syncd.bootstrap import App

_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client looks for the folder."""
_BELIEVED: Final = 5.0
"""Seconds for which what was counted is told again."""
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

Kind = Literal["gauge", "counter", "histogram"]
Row = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric as it is told."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


def _of(name: str, kind: Kind, labels: str, meaning: str) -> Measured:
    return Measured(f"syncd_{name}", kind, tuple(labels.split()), meaning)


METRICS: Final = (
    _of("build_info", "gauge", "version revision python", "Always 1: which version runs, and of its store."),
    _of("runs", "gauge", "state", "Runs that the store keeps: running, done, failed, interrupted."),
    _of("last_success_timestamp_seconds", "gauge", "", "When a run last did all that it could."),
    _of("last_run_duration_seconds", "gauge", "", "How long the run took that ended last."),
    _of("last_run_changes", "gauge", "outcome", "Changes of the run that ended last: done, failed, stale, skipped, …"),
    _of(
        "changes_applied_total", "counter", "kind", "Changes that were done, by the budgets' kinds (400 days are kept)."
    ),
    _of("held_changes", "gauge", "kind", "Changes of the newest plan that wait for a person's approval."),
    _of("refused_changes", "gauge", "kind", "Changes of the newest plan that are done by no means."),
    _of(
        "budget_used_changes",
        "gauge",
        "window kind",
        "What was done of a budget's kind in the last 24 hours, or 7 days.",
    ),
    _of("budget_limit_changes", "gauge", "window kind", "The budget's `count`, where it has one."),
    _of("budget_limit_ratio", "gauge", "window kind", "The budget's `percent`, as a part of 1, where it has one."),
    _of("source_records", "gauge", "source", "People whom the source held when it was last read."),
    _of("source_groups", "gauge", "source", "Groups that are known of the source."),
    _of("source_certified", "gauge", "source", "1 when the source's last read was whole, 0 when it was not."),
    _of("source_last_success_timestamp_seconds", "gauge", "source", "When the source was last read whole."),
    _of("source_failures", "gauge", "source", "Reads in a row that failed."),
    _of("source_quarantined", "gauge", "source", "1 while the source keeps failing and is left alone."),
    _of("people", "gauge", "", "People of all sources, as last read; who is in two of them counts twice."),
    _of("accounts", "gauge", "", "Users of the Fluix account, as last read."),
    _of("links", "gauge", "", "Records whose accounts are ours."),
    _of("ledger_rows", "gauge", "state", "Deleted users in the 30-day ledger: intended, begun, deleted, erased."),
    _of(
        "ledger_next_expiry_timestamp_seconds", "gauge", "", "When the next deleted user cannot be recovered any more."
    ),
    _of("notifications", "gauge", "state", "Messages in the outbox: waiting, sending, sent, failed."),
    _of("open_alerts", "gauge", "kind", "What is not well now, as the daemon sees it."),
    _of("http_requests_total", "counter", "method status", "Requests that the web side answered."),
    _of("scim_requests_total", "counter", "tenant method status", "SCIM requests, by tenant."),
    _of("scim_request_duration_seconds", "histogram", "tenant method", "How long SCIM requests took."),
)
_BY_NAME: Final = {one.name: one for one in METRICS}


class StoreCollector(Collector):
    """Counts in the store when it is asked, at most once in five seconds.

    Args:
        app: the program.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = Lock()
        self._until = 0.0
        self._told: list[Metric] = []
        self._sizes: dict[str, int] = {}
        self._sizes_of: object = None

    def describe(self) -> Iterable[Metric]:
        """Nothing is counted only to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric that stands in the store."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._told = [_family(name, rows) for name, rows in self._rows().items()]
                self._until = time.monotonic() + _BELIEVED
            yield from self._told

    def _rows(self) -> dict[str, list[Row]]:
        app, now = self._app, self._app.clock()
        found = figures.figures(app.store, [source.name for source in app.config.sources], now)
        rows = _counted(found)
        rows |= {name: [((), float(count))] for name, count in self._large(found).items()}
        rows |= _budgets(app, now)
        rows["notifications"] = _labelled(notices.states(app.store))
        kinds: dict[str, int] = {}
        for alert in open_alerts(app.store):
            kinds[alert.kind] = kinds.get(alert.kind, 0) + 1
        rows["open_alerts"] = _labelled(kinds)
        rows["build_info"] = [((version("fluix-syncd"), REVISION, platform.python_version()), 1.0)]
        return rows

    def _large(self, found: figures.Figures) -> dict[str, int]:
        """What is counted row by row is counted once after each run."""
        after = (found.runs, found.last_run)
        if after != self._sizes_of:
            self._sizes, self._sizes_of = figures.sizes(self._app.store), after
        return self._sizes


def _counted(found: figures.Figures) -> dict[str, list[Row]]:
    sources = found.sources
    last = found.last_run
    held = {kind: count for (decision, kind), count in found.waiting.items() if decision == "hold"}
    refused = {kind: count for (decision, kind), count in found.waiting.items() if decision == "refuse"}
    return {
        "runs": _labelled(found.runs),
        "last_success_timestamp_seconds": _moment(found.last_done),
        "last_run_duration_seconds": [((), last.seconds)] if last else [],
        "last_run_changes": _labelled(last.outcome if last else {}),
        "changes_applied_total": _labelled(found.applied),
        "held_changes": _labelled(held),
        "refused_changes": _labelled(refused),
        "people": [((), float(sum(one.records or 0 for one in sources.values())))],
        "source_records": [((name,), float(one.records)) for name, one in sources.items() if one.records is not None],
        "source_groups": [((name,), float(one.groups)) for name, one in sources.items() if one.groups is not None],
        "source_certified": [((name,), float(one.certified)) for name, one in sources.items()],
        "source_last_success_timestamp_seconds": [
            ((name,), one.last_success.timestamp()) for name, one in sources.items() if one.last_success
        ],
        "source_failures": [((name,), float(one.failures)) for name, one in sources.items()],
        "source_quarantined": [((name,), float(one.waits)) for name, one in sources.items()],
        "ledger_rows": _labelled(found.ledger),
        "ledger_next_expiry_timestamp_seconds": _moment(found.next_expiry),
    }


def _budgets(app: App, now: datetime) -> dict[str, list[Row]]:
    budgets, past = app.budgets(), tallies.windows(app.store, now).past
    used: list[Row] = []
    counts: list[Row] = []
    ratios: list[Row] = []
    for window in WINDOWS:
        for kind, limit in budgets.of(window).items():
            if window != "run":
                used.append(((window, kind), float(past.of(window).get((kind, ""), NOTHING).changes)))
            counts += [((window, kind), float(limit.count))] if limit.count is not None else []
            ratios += [((window, kind), limit.percent / 100)] if limit.percent is not None else []
    return {"budget_used_changes": used, "budget_limit_changes": counts, "budget_limit_ratio": ratios}


def _labelled(counts: Mapping[str, int]) -> list[Row]:
    return [((name,), float(count)) for name, count in sorted(counts.items())]


def _moment(when: datetime | None) -> list[Row]:
    return [((), when.timestamp())] if when else []


def _family(name: str, rows: Iterable[Row]) -> Metric:
    told = _BY_NAME[f"syncd_{name}"]
    make = CounterMetricFamily if told.kind == "counter" else GaugeMetricFamily
    family = make(told.name, told.meaning, labels=told.labels)
    for labels, value in rows:
        family.add_metric(labels, value)
    return family


@contextmanager
def counting_together() -> Iterator[None]:
    """Processes that are started or forked inside count their requests together, in files of a folder that goes at the end."""
    folder, owner = mkdtemp(prefix="syncd-metrics-"), os.getpid()
    os.environ[_SHARED] = folder
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if os.getpid() == owner:  # a fork that ends leaves it to the others
            shutil.rmtree(folder, ignore_errors=True)


class Requests:
    """Counts requests: of this process, or of all that `counting_together` holds."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        http, scim, took = (
            _BY_NAME[f"syncd_{name}"]
            for name in ("http_requests_total", "scim_requests_total", "scim_request_duration_seconds")
        )
        self._http = Counter(http.name, http.meaning, http.labels, registry=self._own)
        self._scim = Counter(scim.name, scim.meaning, scim.labels, registry=self._own)
        self._took = Histogram(took.name, took.meaning, took.labels, registry=self._own, buckets=_BUCKETS)

    def count(self, method: str, status: int, seconds: float, tenant: str | None) -> None:
        """One request was answered; `tenant` where it was SCIM."""
        self._http.labels(method, str(status)).inc()
        if tenant is not None:
            self._scim.labels(tenant, method, str(status)).inc()
            self._took.labels(tenant, method).observe(seconds)

    def told(self) -> bytes:
        """As Prometheus reads it: of all processes that count together, or of this one."""
        if _SHARED not in os.environ:
            return generate_latest(self._own)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def told(collector: StoreCollector) -> bytes:
    """What stands in the store, as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def document() -> str:
    """docs/metrics.md."""
    rows = "\n".join(
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.meaning} |"
        for one in METRICS
    )
    return f"""# Metrics

Made from `syncd/metrics.py` (`python -m syncd.metrics > docs/metrics.md`); a test compares them. `syncd serve` tells them at
`/metrics`, by default only to this machine: `serve.metrics` in the configuration lets others in. Values about the engine are
counted in the store when somebody asks (at most every 5 seconds; accounts and links once after each run), so every process tells
the same. Those about requests are summed over the processes of the web side, and begin at 0 with it.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
{rows}

A time is in seconds since 1970 (UTC); one that never was is not told. Rules for alerts stand in
[deploy/alerts.yaml](../deploy/alerts.yaml), a dashboard in [deploy/grafana-dashboard.json](../deploy/grafana-dashboard.json).
"""


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - made for `> docs/metrics.md`
