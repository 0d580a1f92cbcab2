"""The configuration's `target` section for the portal: where exports come from, and how work orders are written.

What Fluix does not say of its CSV files is a setting, and its default guesses nothing.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.errors import PermanentError
from connectors.fluix.portal.settings import ExportSettings, ImportSettings, PortalSettings
from connectors.fluix.webhook import require_allowed
from syncd.config_file import Fault, Located, Section, faults
from syncd.config_values import Name, Text, delimiter_character, encoding_name, matches
from syncd.secrets import Secret

Separator = Annotated[str, matches(r"(?s).{1,3}", "a separator (1 to 3 characters)")]
Attributes = Literal["email", "display_name", "groups", "state", "role"]
_UNVERIFIED = "How Fluix takes it is not known: try it with a few people first."


class WebhookConfig(Section):
    """Fluix's incoming webhook, which starts a Taskstream."""

    url: Secret = Field(
        description="Where the webhook's whole address is kept. It is a secret: whoever knows it can start the Taskstream."
    )
    fields: dict[Text, Text] = Field(
        default={"work-order": "{order}", "items": "{items}"},
        description="What is sent, field by field, each a text in which `{order}`, `{items}` and `{created}` stand for the "
        "order's number, how many items it has and when it was made. Nothing personal is sent.",
    )
    timeout_seconds: float = Field(default=10, gt=0, le=300, description="How long an answer is waited for.")

    @field_validator("fields")
    @classmethod
    def _allowed(cls, fields: dict[str, str]) -> dict[str, str]:
        found = []
        for name, text in fields.items():
            try:
                require_allowed({name: text.format_map({"order": "", "items": "", "created": ""})})
            except PermanentError as error:
                found.append(Fault(error.what, (name,)))
            except (KeyError, IndexError, ValueError, AttributeError):
                found.append(Fault("only {order}, {items} and {created} stand for something", (name,)))
        if found:
            raise faults(*found)
        return fields


class ImportsConfig(Section):
    """How the import files of a work order are written."""

    layout: Literal["documents", "tasks"] = Field(
        default="documents",
        description="Which import page they are for: `documents` (User Name, Email, Group Name) or `tasks` (Full Name, Email, "
        "Groups).",
    )
    rows_per_file: int = Field(
        default=500, ge=1, le=100_000, description=f"How many rows a file has at most. Unverified. {_UNVERIFIED}"
    )
    groups_separator: Separator | None = Field(
        default=None,
        description="What stands between two groups of a person in one cell. Unverified, so there is none: a person of several "
        f"groups is imported without any, and each membership is an item of the checklist. {_UNVERIFIED}",
    )
    one_row_per_group: bool = Field(
        default=False,
        description=f"Whether a person of several groups gets a row for each. Unverified. {_UNVERIFIED}",
    )
    encoding: Annotated[str, AfterValidator(encoding_name)] = Field(
        default="utf-8", description=f"The files' encoding. Unverified. {_UNVERIFIED}"
    )
    delimiter: Annotated[str, AfterValidator(delimiter_character)] = Field(
        default=",", description=f"What stands between two cells: comma, semicolon or tab. Unverified. {_UNVERIFIED}"
    )

    @model_validator(mode="after")
    def _one_way(self) -> ImportsConfig:
        if self.groups_separator and self.one_row_per_group:
            raise faults("give one of `groups_separator` and `one_row_per_group`: they are two ways to say the same")
        return self


class PortalTargetConfig(Located):
    """The real Fluix: its users export is read, and what is to do becomes work orders for an admin."""

    type: Literal["portal"] = Field(description="How Fluix is reached.")
    name: Name = Field(default="main", description="The account's name: a store can hold several.")
    exports: Text = Field(
        description="The folder into which an admin puts each new Export All Users file. The newest is read."
    )
    orders: Text = Field(description="The folder in which work orders appear, each as a folder and as a ZIP.")
    columns: dict[Attributes, Text] = Field(
        description="Which header of the export holds what (`email: Header`): email, display_name and groups; state and role "
        "where the export has them. What Fluix calls its columns is not known: look into a file.",
    )
    ignore_columns: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(),
        description="Headers of the export that are of no use. A header that is neither here nor in `columns` is refused.",
    )
    name_format: Text | None = Field(
        default=None,
        description="How an export's date stands in its file's name, as strptime reads it (`users-%Y-%m-%d`, UTC). Without it "
        "the time of the file's last change counts.",
    )
    groups_separator: Separator | None = Field(
        default=None,
        description="What stands between two groups in a cell of the export. Without it a cell is one group.",
    )
    encoding: Annotated[str, AfterValidator(encoding_name)] | None = Field(
        default=None, description="The export's encoding. Without it: UTF-8, or UTF-16 with a byte-order mark."
    )
    delimiter: Annotated[str, AfterValidator(delimiter_character)] | None = Field(
        default=None,
        description="What stands between two cells of the export: comma, semicolon or tab. Without it the header line tells.",
    )
    active_states: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(), description="The words of the state column for who has logged in."
    )
    invited_states: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(), description="The words of the state column for who never logged in."
    )
    settle_seconds: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        description="How many seconds an export must have been left alone before it is read.",
    )
    min_overlap_percent: float = Field(
        default=50,
        ge=0,
        le=100,
        description="An export that has fewer than so many percent of the users of the last one is refused: it may be of "
        "another account.",
    )
    max_shrink_percent: float = Field(
        default=30,
        ge=0,
        le=100,
        description="An export that lacks more than so many percent of the users of the last one, not counting who was to be "
        "deleted, is refused.",
    )
    max_age_days: float = Field(
        default=14, gt=0, le=3650, description="An export that is older is refused: too much may have happened since."
    )
    imports: ImportsConfig = Field(default=ImportsConfig(), description="How import files are written.")
    webhook: WebhookConfig | None = Field(
        default=None,
        description="The webhook that starts a Taskstream when a work order is ready. Without it nobody is told.",
    )

    @field_validator("columns")
    @classmethod
    def _needed(cls, columns: dict[str, str]) -> dict[str, str]:
        missing = [name for name in ("email", "display_name", "groups") if name not in columns]
        if missing:
            raise faults(
                f"{', '.join(f'`{name}`' for name in missing)} missing among the columns: add `{missing[0]}: HEADER`"
            )
        return columns

    @model_validator(mode="after")
    def _states(self) -> PortalTargetConfig:
        if "state" in self.columns and not (self.active_states and self.invited_states):
            raise faults("a state column needs `active_states` and `invited_states`: the words that stand in it")
        return self

    @property
    def settings(self) -> PortalSettings:
        """As the portal takes it."""
        export = ExportSettings(
            folder=self._base / self.exports,
            columns=MappingProxyType({str(name): header for name, header in self.columns.items()}),
            ignore_columns=self.ignore_columns,
            name_format=self.name_format,
            encoding=self.encoding,
            delimiter=self.delimiter,
            groups_separator=self.groups_separator,
            active_states=self.active_states,
            invited_states=self.invited_states,
            settle_seconds=self.settle_seconds,
            min_overlap_percent=self.min_overlap_percent,
            max_shrink_percent=self.max_shrink_percent,
            max_age=timedelta(days=self.max_age_days),
        )
        imports = ImportSettings(**self.imports.model_dump())
        return PortalSettings(export, self._base / self.orders, self.name, imports)
