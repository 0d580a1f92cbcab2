"""The configuration's `type: csv`: every key, what it means, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    field_validator,
)

from syncd.config_daemon import OWN_SCHEDULE, ScheduleConfig
from syncd.config_file import (
    Located,
    faults,
)
from syncd.config_values import (
    Attribute,
    Name,
    Text,
    delimiter_character,
    encoding_name,
    matches,
)

if TYPE_CHECKING:
    pass


class CsvSourceConfig(Located):
    """A CSV file, or a folder whose CSV files are read as one."""

    name: Name = Field(
        description="The source's name. It is part of every record's key: renaming it is a migration, since every link to "
        "an account hangs on it.",
    )
    type: Literal["csv"] = Field(
        description="What kind of source it is: `csv`, `ldap`, `scim` or `scim_push`.",
    )
    schedule: ScheduleConfig | None = Field(default=None, description=OWN_SCHEDULE)
    path: Text = Field(
        description="The CSV file, relative to the configuration file; or a folder, of which every .csv, .tsv and .txt file "
        "is read.",
    )
    columns: dict[Attribute, Text] | None = Field(
        default=None,
        description="Which header holds which attribute (`attribute: Header`); `email` must be among them. `id` should be, "
        "because without an immutable id a new email looks like one person leaving and another joining. Without "
        "`columns` the headers must be those of a Fluix import (`User Name, Email, Group Name`, or `Full Name, Email, "
        "Groups`).",
    )
    groups_separator: Annotated[str, matches(r"(?s).{1,3}", "a separator (1 to 3 characters)")] | None = Field(
        default=None,
        description="What stands between two groups in one cell, 1 to 3 characters. Without it a cell is one group.",
    )
    encoding: Annotated[str, AfterValidator(encoding_name)] | None = Field(
        default=None,
        description="The file's text encoding, by Python's names (utf-8, cp1252, big5). Without it the file must be UTF-8, or "
        "UTF-16 with a byte-order mark; anything else is refused rather than guessed.",
    )
    delimiter: Annotated[str, AfterValidator(delimiter_character)] | None = Field(
        default=None,
        description="What stands between two cells: comma, semicolon, tab, or the character itself. Without it the header "
        "line tells.",
    )
    final_line_break: bool = Field(
        default=False,
        description=(
            "Whether your export is known to end its last line with a line break. If true, a file that does not was cut, "
            "and nobody counts as gone."
        ),
    )
    settle_seconds: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        description="How many seconds the file must have been left alone before it is read; a file that is still being "
        "written would look like people leaving. 0 does not wait.",
    )
    marker: Text | None = Field(
        default=None,
        description="Name of a file that the exporting program writes last, beside the CSV file (or in the folder). When given, "
        "nothing is read until it is there and newer than the data: the surest sign that the export is whole.",
    )

    @field_validator("columns")
    @classmethod
    def _email_is_mapped(cls, columns: dict[str, str] | None) -> dict[str, str] | None:
        if columns is not None and "email" not in columns:
            raise faults("`email` is missing among the columns: add `email: HEADER`, the header of the addresses")
        return columns

    @property
    def resolved_path(self) -> Path:
        """The file or folder, absolute when the configuration was read from a file."""
        return self._base / self.path
