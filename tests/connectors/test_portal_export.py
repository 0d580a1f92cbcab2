"""An export is read whole, of the configured columns, and believed only if it is newer, whole and of the same account."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, RefusedError, UnreadableError
from connectors.fluix.portal.book import LastExport
from connectors.fluix.portal.export import read_export
from connectors.fluix.portal.guards import require_believable
from connectors.fluix.portal.settings import ExportSettings

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
COLUMNS = {"email": "E-mail", "display_name": "Name", "groups": "Teams"}


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path


def put(folder: Path, text: str | bytes, name: str = "users.csv", age: timedelta = timedelta(hours=1)) -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    at = (NOW - age).timestamp()
    os.utime(file, (at, at))
    return file


def settings(folder: Path, **more) -> ExportSettings:
    return ExportSettings(
        **{"folder": folder, "columns": COLUMNS, "settle_seconds": 0, "groups_separator": "|", **more}
    )


def table(count: int, first: int = 0) -> str:
    rows = [f"Person {n},p{n}@example.com,Field" for n in range(first, first + count)]
    return "\n".join(["Name,E-mail,Teams", *rows]) + "\n"


def refused(folder: Path, **more) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        read_export(settings(folder, **more))
    assert caught.value.cure
    return caught.value


# reading


def test_the_configured_columns_are_read(folder):
    put(folder, "Name,E-mail,Teams\nAnna Berg,Anna@example.com,Field|Night\nBob,bob@example.com,\n")
    export = read_export(settings(folder))
    anna = export.rows["anna@example.com"]
    assert (anna.email, anna.display_name, anna.groups) == ("Anna@example.com", "Anna Berg", {"Field", "Night"})
    assert (anna.state, anna.role) == ("active", None)
    assert export.last.users == 2
    assert export.last.final_break
    assert export.last.dated_at == NOW - timedelta(hours=1)


def test_rows_of_one_user_are_one_user_with_all_groups(folder):
    put(folder, "Name,E-mail,Teams\nAnna,a@example.com,Field\nAnna,a@example.com,Night\n")
    assert read_export(settings(folder)).rows["a@example.com"].groups == {"Field", "Night"}


def test_state_and_role_are_read_where_the_export_has_them(folder):
    put(folder, "Name,E-mail,Teams,S,R\nA,a@example.com,,Pending,Admin\nB,b@example.com,,ok,\n")
    columns = {**COLUMNS, "state": "S", "role": "R"}
    rows = read_export(settings(folder, columns=columns, active_states=("OK",), invited_states=("pending",))).rows
    assert [(row.state, row.role) for row in rows.values()] == [("invited", "Admin"), ("active", "")]


def test_a_state_that_nobody_explained_is_refused(folder):
    put(folder, "Name,E-mail,Teams,S\nA,a@example.com,,Suspended\nB,b@example.com,,Suspended\n")
    error = refused(folder, columns={**COLUMNS, "state": "S"}, active_states=("OK",), invited_states=("New",))
    assert '"Suspended" (2 users)' in error.what


def test_a_missing_mapped_column_is_refused_with_what_was_found(folder):
    put(folder, "Name,Mail,Teams\nA,a@example.com,\n")
    assert 'there is no column "E-mail"; the headers found are "Name", "Mail", "Teams"' in refused(folder).what


def test_an_unknown_column_is_refused_with_what_was_found(folder):
    put(folder, "Name,E-mail,Teams,Last login\nA,a@example.com,,never\n")
    error = refused(folder)
    assert 'columns that nobody mapped: "Last login"' in error.what
    assert '"Name", "E-mail", "Teams", "Last login"' in error.what
    assert len(read_export(settings(folder, ignore_columns=("last login",))).rows) == 1


@pytest.mark.parametrize(
    "text",
    ["", "Name,E-mail,Teams\n", 'Name,E-mail,Teams\n"A,a@example.com,\n', "Name,E-mail,Teams\nA,not an email,\n", "Name,E-mail,Teams\nA,a@example.com\n"],
    ids=["empty", "no rows", "open quote", "bad email", "short row"],
)  # fmt: skip
def test_what_is_not_whole_is_refused(folder, text):
    put(folder, text)
    refused(folder)


def test_there_must_be_an_export(folder):
    assert "Export All Users" in refused(folder).cure
    assert "Export All Users" in refused(folder / "missing").cure


def test_other_encodings_are_read_when_declared(folder):
    put(folder, "Name;E-mail;Teams\nZoë;z@example.com;Ñ\n".encode("cp1252"))
    refused(folder)
    assert read_export(settings(folder, encoding="cp1252")).rows["z@example.com"].display_name == "Zoë"
    put(folder, "Name\tE-mail\tTeams\nZoë\tz@example.com\t\n".encode("utf-16"))
    assert read_export(settings(folder)).last.final_break


def test_the_newest_by_its_last_change_is_read(folder):
    put(folder, table(2), "b.csv", timedelta(hours=2))
    put(folder, table(3), "a.csv", timedelta(hours=1))
    assert read_export(settings(folder)).last.file == "a.csv"


def test_two_that_are_equally_new_are_refused(folder):
    put(folder, table(2), "b.csv")
    put(folder, table(3), "a.csv")
    assert "a.csv and b.csv are equally new" in refused(folder).what


def test_the_date_in_the_name_decides_where_it_is_configured(folder):
    put(folder, table(2), "users-2026-11-01.csv", timedelta(hours=1))
    put(folder, table(3), "users-2026-10-30.csv", timedelta(hours=0))
    export = read_export(settings(folder, name_format="users-%Y-%m-%d"))
    assert export.last.users == 2
    assert export.last.dated_at == datetime(2026, 11, 1, tzinfo=UTC)


def test_a_name_without_its_date_is_refused(folder):
    put(folder, table(2), "users (1).csv")
    assert "does not carry its date" in refused(folder, name_format="users-%Y-%m-%d").what


# believing


def judge(folder: Path, last: LastExport | None, before=(), leaving=(), **more) -> None:
    chosen = settings(folder, **more)
    require_believable(read_export(chosen), last, before, leaving, settings=chosen, now=NOW)


def last(age: timedelta = timedelta(hours=2), *, final_break: bool = True) -> LastExport:
    return LastExport("before.csv", NOW - age, b"", 20, final_break)


def people(count: int) -> list[str]:
    return [f"p{n}@example.com" for n in range(count)]


def unbelievable(folder: Path, *args, **more) -> str:
    with pytest.raises(RefusedError) as caught:
        judge(folder, *args, **more)
    assert caught.value.cure
    return caught.value.what


def test_the_first_export_is_believed(folder):
    put(folder, table(2))
    judge(folder, None)


def test_an_older_export_than_the_last_one_is_refused(folder):
    put(folder, table(20))
    assert "older than before.csv (2026-11-02 07:30 UTC)" in unbelievable(
        folder, last(timedelta(minutes=30)), people(20)
    )
    judge(folder, last(timedelta(hours=1)), people(20))


def test_an_export_of_long_ago_or_of_tomorrow_is_refused(folder):
    put(folder, table(2), age=timedelta(days=15))
    assert "15.0 days old, over target.max_age_days 14" in unbelievable(folder, None)
    put(folder, table(2), age=timedelta(days=-2))
    assert "yet to come" in unbelievable(folder, None)


def test_an_export_that_lost_its_last_line_break_is_refused(folder):
    put(folder, table(20).rstrip("\n"))
    assert "may have been cut" in unbelievable(folder, last(), people(20))
    judge(folder, last(final_break=False), people(20))


def test_an_export_of_another_account_is_refused_by_its_overlap(folder):
    put(folder, table(20, first=11))
    what = unbelievable(folder, last(), people(20))
    assert "only 9 of the 20 users" in what
    assert "45.0 %, under target.min_overlap_percent 50" in what
    judge(folder, last(), people(20), min_overlap_percent=45, max_shrink_percent=60)


def test_even_a_small_account_is_known_by_its_overlap(folder):
    put(folder, table(3, first=50))
    assert "only 0 of the 2 users" in unbelievable(folder, last(), people(2))


def test_an_export_that_shrank_is_refused(folder):
    put(folder, table(13))
    assert "7 of the 20 users" in unbelievable(folder, last(), people(20))
    put(folder, table(14))
    judge(folder, last(), people(20))


def test_who_was_to_be_deleted_is_no_loss(folder):
    put(folder, table(10))
    judge(folder, last(), people(20), leaving=people(20)[10:])


def test_a_file_still_being_written_is_left_for_later(folder):
    file = put(folder, table(2), age=timedelta(0))
    naps = []

    def writing(seconds: float) -> None:
        naps.append(seconds)
        with file.open("a") as stream:
            stream.write("A,a@example.com,\n")

    with pytest.raises(ConnectorError, match="still being written"):
        read_export(settings(folder, settle_seconds=1), sleep=writing, clock=NOW.timestamp)
    assert naps


def test_a_workbook_is_no_export(folder):
    put(folder, b"PK\x03\x04 and so on")
    with pytest.raises(UnreadableError, match="an Excel workbook"):
        read_export(settings(folder))
