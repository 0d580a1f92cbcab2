"""What a run needs, and what a call asks for: values that `bootstrap` builds and the steps of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy import Engine

from connectors.base import Source, Target
from syncd.core.diff import Ground
from syncd.core.leaving import Farewells
from syncd.core.proof import EACH_TWENTY, Sampling
from syncd.core.rules import Rules
from syncd.core.safety import Policy
from syncd.core.standing import Standing
from syncd.store.retention import FOR_EVER, Keep

Progress = Callable[[str, int], None]
"""Told the name of a stage and how much of it was done since the last call."""


@runtime_checkable
class Telling(Protocol):
    """A source that wants to be told how it stands with its people."""

    def tell(self, people: Mapping[str, Standing]) -> None:
        """External id -> standing; of everybody whom a run looked at."""
        ...


@dataclass(frozen=True, slots=True)
class Sync:
    """Everything that a run needs; `bootstrap.build` makes it from the configuration."""

    store: Engine
    sources: Mapping[str, Source]
    target: Target
    rules: Rules
    rules_digest: str
    ground: Ground
    """Policy of comparing; its `now` and what the account holds are filled in by each run."""
    farewells: Farewells
    documents_to: str
    """`manager`, `group_owner` or an email: who gets a leaver's documents."""
    policy: Policy
    adopt: bool
    approval_lasts: timedelta
    actor: str
    clock: Callable[[], datetime]
    full_every: Mapping[str, timedelta] = field(default_factory=dict)
    """How long a source is asked for what changed only, before it is read whole again; who is not here always is."""
    critical: Callable[[], AbstractContextManager[None]] = nullcontext
    """A block that a signal does not break."""
    progress: Progress = lambda _stage, _count: None
    began: Callable[[int], None] = lambda _run_id: None
    """Told the number of the run that begins."""
    keep: Keep = FOR_EVER
    """How long what was done stays in the store."""
    sampling: Sampling = EACH_TWENTY
    """How many of the acknowledged changes are read back."""
    calling: str = ""
    """What workers have to agree about with whoever runs; see `App.calling`."""
    tells: Mapping[str, Callable[[Mapping[str, Standing]], None]] = field(default_factory=dict)
    """Sources that are told how it stands with their people (external id -> standing), by name."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a call asks for."""

    command: str
    sources: Sequence[str] = ()
    """Read only these; none means all."""
    user: str | None = None
    """Plan only for whoever has, or should have, this address."""
    full: bool = False
    """Look at everybody, not only at what changed."""
    patient: bool = False
    """Leave sources alone that keep failing, though they are named: nobody asked for them."""
