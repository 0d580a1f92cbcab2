"""Settings: the configuration as it holds, for reading. It is changed in its file."""

from __future__ import annotations

from syncd.render_config import as_yaml
from syncd.web.desk import Desk, Document, Query
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()


class SettingLine(Document):
    """One line of it."""

    text: str
    line: int | None
    """Of the file; None: it does not stand there."""
    value: bool
    """Whether it holds a value; without a line that is the default."""


class Settings(Document):
    """The configuration, with every default."""

    lines: list[SettingLine]


@room.page("/settings", "settings.html", Role.OPERATOR)
def settings(desk: Desk, asked: Query) -> Settings:
    """The configuration as it holds: every key, given or by default. Secrets stand there by name only."""
    del asked
    config = desk.app.config
    told = as_yaml(config, config.line_of)
    return Settings(lines=[SettingLine(text=text, line=line, value=value) for text, line, value in told])
