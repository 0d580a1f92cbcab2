"""The log: events with names, for people or as JSON, on standard error. Personal data is cut out of all of it.

Everything goes through one pipe (`log_pipe`): our events, and what libraries tell `logging`. Whatever is told inside
`about(run_id=…)` carries these values. Until `install` is called nothing is written, and nothing is imported for it.

`EVENTS` is the whole list. Each is told in one place; `docs/events.md` is made from it.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from syncd.config_watching import LogConfig
    from syncd.log_pipe import Pipe

EVENTS: Final[dict[str, tuple[str, str]]] = {
    "run_started": ("info", "a run began: `command`"),
    "source_read": ("info", "a source was read: `source`, `records`, `groups`, `certified`, `problems` (how many)"),
    "plan_made": ("info", "a plan was made and checked: `plan_id`, `changes`, `held`, `refused` (how many)"),
    "run_ended": ("info", "a run did what it could: `command`, `seconds`"),
    "run_interrupted": ("warning", "a run was asked to stop: `command`, `seconds`"),
    "run_failed": ("error", "a run could not go on: `command`, `seconds`, `error`"),
    "parcels_given": ("info", "changes were given to workers: `parcels`, `changes` (how many)"),
    "parcels_given_again": ("warning", "a worker died or lost the database; its part was given again: `parcels`"),
    "parcel_put_down": ("warning", "a worker lost the database over its part: it is given again, `parcel`, `reason`"),
    "parcel_lost": ("warning", "a worker was too late: what it held is somebody else's, `parcel`, `reason`"),
    "notification_sent": ("info", "a message was taken by its receiver: `target`, `about` (events), `notices`"),
    "notification_failed": ("warning", "a message was not taken, and is tried again: `target`, `tries`, `error`"),
    "notification_given_up": ("error", "a message was not taken for too long: `target`, `error`"),
    "notification_template": ("warning", "our template was used, because yours is broken: `template`, `error`"),
    "notifications_stuck": ("warning", "messages could not be looked after this time: `error`"),
    "whatif_failed": ("error", "a what-if of the console met a mistake of the program: `number`, `error`"),
    "request": ("debug", "a request was answered: `method`, `path`, `status`, `seconds`"),
    "not_ready": ("warning", "`/readyz` said no: `failed` (checks), `reasons`"),
}
"""Name -> its level, and what it tells."""

_EMAIL = re.compile(r"([^\s@<>\"'(),;:=/\\]+)(@|%40)([A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*)")
_installed: list[Pipe] = []


def tell(event: str, **values: Any) -> None:
    """Tell of an event; its level stands in `EVENTS`."""
    for pipe in _installed:
        pipe.tell(EVENTS[event][0], event, values)


def about(**values: Any) -> AbstractContextManager[None]:
    """Whatever is told inside carries these values."""
    return _installed[0].about(**values) if _installed else nullcontext()


def install(config: LogConfig, key: str, *, stream: TextIO | None = None) -> None:
    """Write the log from now on.

    Args:
        config: how.
        key: with which emails are digested: a secret of the store, so that nobody can try addresses out.
        stream: where to; standard error by default.
    """
    from syncd.log_pipe import Pipe  # noqa: PLC0415 - a tenth of a second, only where a log is written

    _installed[:] = [Pipe(config, key.encode()[:64], stream)]


def cut(text: str, key: bytes) -> str:
    """A text in which of each email only the first letter and the domain are left, with a digest keyed by the store."""

    def shortened(found: re.Match[str]) -> str:
        name, at, domain = found.groups()
        digest = hashlib.blake2b(f"{name}@{domain}".lower().encode(), key=key, digest_size=4).hexdigest()
        return f"{name[0]}…{at}{domain}[{digest}]"

    return _EMAIL.sub(shortened, text) if "@" in text or "%40" in text else text


def document() -> str:
    """docs/events.md."""
    rows = "\n".join(f"| `{name}` | {level} | {told} |" for name, (level, told) in EVENTS.items())
    return f"""# Events of the log

Made from `syncd/log.py` (`python -m syncd.log > docs/events.md`); a test compares them. `log:` in the configuration says how they
are written: a line for people, or one JSON document a line (`format: json`), on standard error. `syncd serve` always writes its
log; other commands do where the configuration has a section `log`.

Each line has `at` (UTC), `level`, `logger` and `event`; inside a run also `run_id`. Of an email only the first letter and the
domain are written, with a digest that is the same for the same person in one store: `a…@example.com[3f9a1c02]`. Names are never
written. `personal: keep` writes emails whole. With `level: debug` requests and directory searches are told as well; the words of
a search may hold what a directory calls people.

| event | level | tells |
| --- | --- | --- |
{rows}

What libraries tell (`logging`) goes the same way, with their logger's name and a sentence as `event`.
"""


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - made for `> docs/events.md`
