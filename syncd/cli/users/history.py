"""users activity, request-data: what users and admins did, and what a user may have of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from connectors.fluix.account.admin.history import Asked
from connectors.fluix.csv_files import write_table
from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import by_hand, out, print_json, say, standard, write_whole
from syncd.cli.users.lists import minute
from syncd.errors import Exit, UsageError

HEADER = ("At", "Email", "Kind", "Text")

LIMIT = 100

_DAY = len("2026-11-01")


@click.command(short_help="Show what users and admins did, the newest first.")
@click.argument("email", required=False)
@click.option("--since", metavar="DATE", help="From this day or moment on (2026-11-01, 2026-11-01T08:00); UTC.")
@click.option("--until", metavar="DATE", help="Up to this day, or before this moment; UTC.")
@click.option("--kind", metavar="KIND", help="Only this: added, joined, deleted, …")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"So many of a page; {LIMIT} by default.")
@click.option("--page", type=click.IntRange(min=1), default=1, metavar="N", help="Which page, from 1.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write all of it to a CSV file.")
@standard
def activity(
    app: App,
    *,
    as_json: bool,
    email: str | None,
    since: str | None,
    until: str | None,
    kind: str | None,
    limit: int | None,
    page: int,
    csv_file: Path | None,
) -> int:
    """Show what users and admins did, the newest first: of one user, or of all."""
    account = embedded(app)
    asked = Asked(email, moment(since, "--since"), moment(until, "--until", end_of_day=True), kind)
    if asked.since and asked.until and asked.since >= asked.until:
        raise UsageError("--since is not before --until, so nothing can be between", cure="exchange them")
    if csv_file is not None:
        if limit is not None or page != 1:
            raise UsageError("--csv writes all of it, and takes no page", cure="leave out --limit and --page")
        # The mark at the beginning tells spreadsheets that this is UTF-8.
        with account.activity(asked) as happened:
            rows = ((one["at"], one["email"] or "", one["kind"], one["text"]) for one in happened)
            written = [0]
            write_whole(csv_file, lambda file: written.append(write_table(HEADER, rows, file)), encoding="utf-8-sig")
        document = {"entries": written[-1], "file": str(csv_file)}
        return say(f"wrote {written[-1]} entries to {csv_file}", document, as_json=as_json)
    size = limit or LIMIT
    total = account.count_activity(asked)
    pages = max(1, -(-total // size))
    if page > pages:
        raise UsageError(f"there is no page {page}: {total} entries are {pages} pages", cure=f"ask for 1 to {pages}")
    with account.activity(asked, size, (page - 1) * size) as stream:
        found = list(stream)
    if as_json:
        print_json({"activity": found, "total": total, "page": page, "pages": pages})
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("at", "email", "kind", "text"):
        table.add_column(title, overflow="fold", no_wrap=title == "at")
    for one in found:
        table.add_row(minute(one["at"]), *map(escape, (one["email"] or "", one["kind"], one["text"])))
    if found:
        out.print(table)
    more = f", page {page} of {pages}" if pages > 1 else ""
    out.print(f"[dim]{total} {'entry' if total == 1 else 'entries'}{more}[/]")
    return Exit.DONE


def moment(text: str | None, option: str, *, end_of_day: bool = False) -> datetime | None:
    """A day or moment of the call, in UTC where it names no zone; a day's end is the next one's beginning.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        return found + timedelta(days=1) if end_of_day and len(text) <= _DAY else found
    except (ValueError, OverflowError) as error:
        cure = "write it as 2026-11-01 or 2026-11-01T08:00"
        raise UsageError(f'{option}: "{text}" is no date', cure=cure) from error


@click.command("request-data", short_help="Send a user all that is held about him or her.")
@click.argument("email")
@click.option("--out", "out_file", type=click.Path(path_type=Path), help="Write the file instead of sending it.")
@standard
def request_data(app: App, *, as_json: bool, email: str, out_file: Path | None) -> int:
    """Send a user all that is held about him or her, as a JSON file by email, or write that file.

    Secrets are left out: passwords, sessions, and the one-time links in mails.
    """
    account = embedded(app)
    if out_file is None:
        with by_hand(app, "users request-data", email):
            to = account.request_user_data(email)
        return say(f"the user data goes to {to}", {"email": to}, as_json=as_json)
    with by_hand(app, "users request-data", email, file=str(out_file)):
        text = account.user_data(email)
        write_whole(out_file, lambda stream: stream.write(text))
    document = {"email": email, "file": str(out_file)}
    return say(f"wrote the user data of {email} to {out_file}; it is personal", document, as_json=as_json)
