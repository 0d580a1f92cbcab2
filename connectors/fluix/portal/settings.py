"""What can be set for the portal. Values only; `syncd.config_target` reads them from the configuration.

What Fluix does not say about its CSV files is a setting here, and every default is the one that guesses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Where an admin puts the export of all users, and how it is read."""

    folder: Path
    columns: Mapping[str, str]
    """Attribute (email, display_name, groups, state, role) -> header. No export's columns are known beforehand."""
    ignore_columns: tuple[str, ...] = ()
    name_format: str | None = None
    """How the date stands in a file's name (`users-%Y-%m-%d`, as strptime reads it); None: the modification time counts."""
    encoding: str | None = None
    delimiter: str | None = None
    groups_separator: str | None = None
    active_states: tuple[str, ...] = ()
    invited_states: tuple[str, ...] = ()
    settle_seconds: float = 1.0
    min_overlap_percent: float = 50
    max_shrink_percent: float = 30
    max_age: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """How import files are written."""

    layout: Literal["documents", "tasks"] = "documents"
    rows_per_file: int = 500
    groups_separator: str | None = None
    """None: no cell ever holds two groups."""
    one_row_per_group: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """Everything that can be set for one portal."""

    export: ExportSettings
    orders: Path
    """The folder in which work orders appear."""
    name: str = "main"
    imports: ImportSettings = field(default_factory=ImportSettings)
