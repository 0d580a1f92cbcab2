"""Writes the first migration anew from the tables: `make migration`. Only until the first release; then stores exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from syncd.store.every_table import EVERY_TABLE

FILE = Path(__file__).parent.parent / "syncd/store/migrations/versions/r0001_first.py"
HEAD = '''"""The first store: the engine's tables, and the embedded account's."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
'''
PLAIN = (
    (r"syncd\.store\.tables\.Json\(\)", "sa.Text()"),
    (r"syncd\.store\.tables\.Moment\(length=32\)", "sa.String(length=32)"),
    (r"connectors\.fluix\.account\.tables\.UtcDateTime\(timezone=True\)", "sa.DateTime(timezone=True)"),
    (r"scim\.access\.metadata\.Moment\(timezone=True\)", "sa.DateTime(timezone=True)"),
    (r"# ### .*\n", "\n"),
)


def main() -> None:
    """Render, and format as everything else is."""
    with create_engine("sqlite://").connect() as connection:
        options = {"target_metadata": [*EVERY_TABLE]}
        script = produce_migrations(MigrationContext.configure(connection, opts=options), options["target_metadata"])
    assert script.upgrade_ops is not None
    body = render_python_code(script.upgrade_ops, render_as_batch=False)
    for pattern, plain in PLAIN:
        body = re.sub(pattern, plain, body)
    FILE.write_text(HEAD + "    " + body.strip() + "\n", encoding="utf-8")
    subprocess.run([Path(sys.executable).with_name("ruff"), "format", "--quiet", FILE], check=True)


if __name__ == "__main__":
    main()
