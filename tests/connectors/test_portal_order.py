"""The files of a work order: imports that guess nothing, checklists that a person can follow, whole or not there."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from zipfile import ZipFile

import pytest

from connectors.errors import RetryableError
from connectors.fluix.portal import delivery
from connectors.fluix.portal.book import Item, Order, Why
from connectors.fluix.portal.checklist import as_html, as_markdown
from connectors.fluix.portal.delivery import files_of, write_order
from connectors.fluix.portal.imports import cells_for, fits, import_files
from connectors.fluix.portal.settings import ImportSettings
from connectors.fluix.portal.words import placed, steps, title
from connectors.model import Verb

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
VALUES = {
    "create_group": {"display_name": "Field"},
    "rename_group": {"display_name": "Field", "new_name": "Outside"},
    "create_user": {"email": "n@example.com", "display_name": "Nu", "groups": ()},
    "update_user": {"email": "b@example.com"},
    "add_member": {"group": "Field"},
    "remove_member": {"group": "Field"},
    "reassign_documents": {"to": "boss@example.com"},
}
NASTY = '<script>alert(1)</script> **x** [a](http://evil) "q" & `c` _u_'


def item(verb: str = "create_user", number: int = 1, **more) -> Item:
    why = Why(
        f"{verb}:a@example.com",
        "a@example.com",
        "people/E1 is new",
        more.pop("approved_by", ""),
        more.pop("before", {}),
    )
    values = more.pop("values", VALUES.get(verb, {}))
    return Item(
        f"op-{number}", f"op-{number}", f"wish-{number}", verb, "a@example.com", values, why, NOW, place=number, **more
    )


def person(number: int, name: str = "", groups: tuple[str, ...] = ()) -> Item:
    values = {"email": f"p{number}@example.com", "display_name": name or f"Person {number}", "groups": groups}
    return item("create_user", number, values=values, in_import=True)


def order(*items: Item, **more) -> Order:
    return Order(3, NOW, tuple(placed(items)), **more)


def rows(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


# imports


@pytest.mark.parametrize(("layout", "header"), [("documents", ["User Name", "Email", "Group Name"]), ("tasks", ["Full Name", "Email", "Groups"])])  # fmt: skip
def test_the_two_layouts_of_the_import_pages(layout, header):
    files = import_files([person(1, "Zoë, Dr.", ("Field",))], ImportSettings(layout))
    assert rows(files["import-1.csv"]) == [header, ["Zoë, Dr.", "p1@example.com", "Field"]]


def test_files_are_split_and_nobody_is_torn_apart():
    people = [person(n, groups=("A", "B")) for n in range(5)]
    files = import_files(people, ImportSettings(rows_per_file=5, one_row_per_group=True))
    assert [len(rows(content)) - 1 for content in files.values()] == [4, 4, 2]
    assert list(files) == ["import-1.csv", "import-2.csv", "import-3.csv"]
    assert import_files([], ImportSettings()) == {}


def test_several_groups_in_one_cell_are_never_guessed():
    assert cells_for(("A", "B"), ImportSettings()) is None
    assert cells_for(("A", "B"), ImportSettings(groups_separator="; ")) == ["A; B"]
    assert cells_for(("A", "B"), ImportSettings(one_row_per_group=True)) == ["A", "B"]
    assert cells_for(("A",), ImportSettings()) == ["A"]
    assert cells_for((), ImportSettings()) == [""]


def test_a_group_that_holds_the_separator_is_asked_for_by_hand():
    assert cells_for(("A; B", "C"), ImportSettings(groups_separator="; ")) is None
    assert cells_for(("A; B",), ImportSettings(groups_separator="; ")) is None


@pytest.mark.parametrize("name", ["=1+1", "+A", "-A", "@A", "'=A"])
def test_a_name_that_a_spreadsheet_would_run_is_in_no_import(name):
    assert not fits(name, "a@example.com", ImportSettings())
    assert cells_for((name,), ImportSettings()) is None


def test_a_name_that_the_encoding_cannot_hold_is_in_no_import():
    assert not fits("مریم", "a@example.com", ImportSettings(encoding="cp1252"))
    assert fits("Zoë", "a@example.com", ImportSettings(encoding="cp1252"))


def test_who_is_done_or_withdrawn_is_not_imported_again():
    done, out = replace(person(1), closed_at=NOW), replace(person(2), withdrawn_at=NOW)
    files = files_of(order(done, out, person(3)), ImportSettings())
    assert [row[1] for row in rows(files["import-1.csv"])[1:]] == ["p3@example.com"]


# words


@pytest.mark.parametrize("verb", get_args(Verb))
def test_every_verb_has_its_words(verb):
    one = item(verb)
    assert title(one)
    assert all(step.endswith(".") for step in steps(one))
    assert steps(one)


def test_resend_invite_exists_only_for_a_user_who_never_logged_in():
    assert "only for who never logged in" in steps(item("resend_invite"))[0]


def test_unknown_workflows_and_documents_are_asked_for_before_deleting():
    told = "\n".join(steps(item("delete_user")))
    assert "the owner or holds a role" in told
    assert "does not let such a user be deleted" in told
    assert "In Document Status" in told
    assert told.endswith("Fluix keeps deleted data for 30 days.")


def test_known_workflows_and_documents_are_named():
    before = {"role": "", "workflows": [{"workflow": "Permits", "step": "Sign"}], "drafts": 2, "assigned": 1}
    assert steps(item("leave_workflows", before=before)) == [
        "Remove a@example.com from the workflow Permits, step Sign."
    ]
    assert "the 2 drafts and 1 assigned documents" in steps(item("reassign_documents", before=before))[0]
    assert not any("workflow" in step or "Document" in step for step in steps(item("delete_user", before=before)))


def test_a_role_that_is_known_is_named():
    assert "holds the role Admin" in "\n".join(steps(item("delete_user", before={"role": "Admin"})))


# checklists


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else_and_runs_nothing():
    page = Page(as_html(order(*[item(verb, number) for number, verb in enumerate(get_args(Verb), 1)]), {}))
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in {"src", "href", "onclick"}]
    assert page.tags.count("input") == len(get_args(Verb))
    assert page.tags.count("label") == len(get_args(Verb))


def test_names_are_text_whatever_is_in_them():
    one = item(values={"email": "n@example.com", "display_name": NASTY, "groups": ()})
    page = Page(as_html(order(one), {}))
    assert "script" not in page.tags
    assert NASTY in page.text
    text = as_markdown(order(one), {})
    assert "<script" not in re.sub(r"\\.", "", text)
    assert "[a]" not in re.sub(r"\\.", "", text)


def test_an_address_can_be_copied_out_of_the_markdown():
    one = item("add_member")
    one = replace(one, why=replace(one.why, user="anna_maria.berg-x+y@ex-ample.com"))
    assert "Add anna_maria.berg-x+y@ex-ample.com to the group Field" in as_markdown(order(one), {})


def test_each_item_has_a_box_its_reason_and_who_approved():
    both = order(item("add_member", 1), item("delete_user", 2, approved_by="eva"))
    for text in (as_markdown(both, {}), Page(as_html(both, {})).text):
        assert "Because people/E1 is new; needed no approval." in text
        assert "Because people/E1 is new; approved by eva." in text
    assert as_markdown(both, {}).count("- [ ] ") == 2


def test_items_are_numbered_in_the_order_in_which_they_are_done():
    mixed = order(item("delete_user", 1), item("create_group", 2), person(3), item("add_member", 4))
    assert [(one.place, one.verb) for one in mixed.items] == [(1, "create_group"), (2, "create_user"), (3, "add_member"), (4, "delete_user")]  # fmt: skip


def test_what_must_not_be_done_any_more_stands_first():
    stop = replace(item("delete_user", 7), order=1, withdrawn_at=NOW, withdrawn_why="the person came back")
    text = as_markdown(order(item("add_member"), stops=(stop,)), {})
    assert text.index("Do not do any more") < text.index("Add to groups")
    assert "Delete a@example.com (item 7 of w1): the person came back." in text


# delivery


def test_an_order_is_a_folder_and_a_zip_of_the_same(tmp_path):
    place = write_order(order(person(1), item("add_member", 2)), ImportSettings(), tmp_path / "orders")
    assert place == tmp_path / "orders" / "workorder-3"
    assert sorted(file.name for file in place.iterdir()) == ["checklist.html", "checklist.md", "import-1.csv"]
    with ZipFile(tmp_path / "orders" / "workorder-3.zip") as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "orders" / name).read_bytes()


def test_the_same_order_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b", "b"):
        write_order(order(person(1), item("add_member", 2)), ImportSettings(), tmp_path / folder)
    a, b = ({p.name: p.read_bytes() for p in (tmp_path / f).rglob("*") if p.is_file()} for f in "ab")
    assert a == b
    assert "workorder-3.zip" in a


def test_names_of_files_hold_nothing_personal(tmp_path):
    write_order(order(person(1), item("delete_user", 2)), ImportSettings(), tmp_path)
    with ZipFile(tmp_path / "workorder-3.zip") as archive:
        names = [*archive.namelist(), *(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))]
    assert all(re.fullmatch(r"[a-z0-9./-]+", name) and "example" not in name for name in names)


@pytest.mark.parametrize("after", range(5))
def test_an_order_is_written_whole_or_not_at_all(tmp_path, monkeypatch, after):
    written = []
    real = delivery._write

    def failing(file: Path, content: bytes) -> None:
        if len(written) == after:
            raise OSError(28, "No space left on device")
        written.append(file.name)
        real(file, content)

    monkeypatch.setattr(delivery, "_write", failing)
    if after == 4:
        write_order(order(person(1)), ImportSettings(), tmp_path)
        assert len(written) == 4
        return
    with pytest.raises(RetryableError, match="No space left"):
        write_order(order(person(1)), ImportSettings(), tmp_path)
    assert list(tmp_path.iterdir()) == []
