"""What a CSV of people means: layouts, keys, values, several rows a person. What goes wrong is in test_csv_faults.py."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import csv_source, csv_survey
from connectors.csv_source import CsvSource
from tests.contracts import SourceContract, read_all

COLUMNS = {"id": "Employee", "email": "Email", "display_name": "User Name", "groups": "Groups", "active": "Active"}
HEADER = ["Employee", "Email", "User Name", "Groups", "Active"]


def row(person):
    return [
        person["external_id"],
        person["email"],
        person["display_name"],
        ";".join(person["groups"]),
        str(person["active"]),
    ]


def written(rows, delimiter=",", header=HEADER, **options):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, **options).writerows([header, *rows])
    return text.getvalue()


@pytest.fixture
def people(tmp_path):
    """Write a text as people.csv and read it."""

    def source(text, columns=None, *, encoding="utf-8", **options):
        path = tmp_path / "people.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return CsvSource("people", path, columns, settle_seconds=0, **options)

    return source


class TestContract(SourceContract):
    def make_source(self, people, tmp_path, more=()):
        path = tmp_path / "people.csv"
        path.write_text(written([*map(row, people), *more]), encoding="utf-8", newline="")
        return CsvSource("people", path, COLUMNS, groups_separator=";", settle_seconds=0)

    def make_incomplete(self, people, tmp_path):
        return self.make_source(people, tmp_path, more=[["E9", "nobody@", "Nobody", "", ""]])

    def make_failing(self, people, tmp_path):
        source = self.make_source(people, tmp_path)
        path = tmp_path / "people.csv"
        path.write_bytes(path.read_bytes() + b"E9,a@example.com,Andr\xe9,,\r\n")
        return source


@pytest.mark.parametrize(
    ("header", "groups"),
    [
        ("User Name,Email,Group Name", True),
        ("Full Name,Email,Groups", True),
        ("User Name,Email", False),
        ("Full Name,Email", False),
        ("  email ;GROUPS;full name", True),
        ('"Email"\t"Group Name"\t"Phone"\t"User Name"', True),
    ],
)
def test_fluix_layouts_need_no_columns(people, header, groups):
    delimiter = next(d for d in "\t;," if d in header)
    cells = {"group": "Field", "name": "Anna Berg", "mail": "Anna@Example.com", "phone": "1"}
    line = delimiter.join(next(v for k, v in cells.items() if k in h.lower()) for h in header.split(delimiter))
    records, certificate = read_all(people(f"{header}\n{line}\n"))
    expected = {"email": "Anna@Example.com", "display_name": "Anna Berg", "active": True}
    attributes = expected | ({"groups": ("Field",)} if groups else {})
    assert [record[:3] for record in records] == [("person", "anna@example.com", attributes)]
    assert certificate.certified


def test_columns_map_any_header_and_one_header_may_serve_several_attributes(people):
    text = "Employee,Email,Dept,Boss\n 7 , Anna@x.example ,Pumps,8\n"
    columns = {"id": "employee", "email": "EMAIL", "user_name": "Email", "department": "Dept", "manager": "Boss"}
    [record], certificate = read_all(people(text, columns))
    email = "Anna@x.example"
    wanted = {"email": email, "user_name": email, "department": "Pumps", "manager": "8", "active": True}
    assert record[:3] == ("person", "7", wanted)
    assert certificate.certified


def test_only_an_email_column_is_needed(people):
    records, certificate = read_all(people("Mail\na@x\nb@x\n", {"email": "Mail"}))
    assert [r.external_id for r in records] == ["a@x", "b@x"]
    assert certificate.certified


@pytest.mark.parametrize(
    ("cell", "active"),
    [(c, True) for c in ("", "  ", "true", "TRUE", "Yes", "y", "1", "Active")]
    + [(c, False) for c in ("false", "No", "n", "N", "0", "inactive", "INACTIVE")],
)
def test_active(people, cell, active):
    [record], _ = read_all(people(f"Email,Active\na@x,{cell}\n", {"email": "Email", "active": "Active"}))
    assert record.attributes["active"] is active


def test_groups_are_split_only_by_a_declared_separator(people):
    text = 'User Name,Email,Group Name\nA,a@x," B; A ;b;; A"\n'
    assert read_all(people(text))[0][0].attributes["groups"] == ("B; A ;b;; A",)
    records, certificate = read_all(people(text, groups_separator=";"))
    assert records[0].attributes["groups"] == ("A", "B")
    assert certificate.groups == 2


def test_groups_of_one_name_count_once_and_keep_their_first_spelling(people):
    text = "User Name,Email,Group Name\nA,a@x,Field  Team\nB,b@x,FIELD TEAM\nA,a@x,field team\n"
    records, certificate = read_all(people(text))
    assert {r.external_id: r.attributes["groups"] for r in records} == {"a@x": ("Field  Team",), "b@x": ("FIELD TEAM",)}
    assert certificate.groups == 1


class TestSeveralRows:
    def test_groups_add_up_wherever_the_rows_are(self, people):
        text = "User Name,Email,Group Name\nA,a@x,Z\nB,b@x,G\nA,A@X,Y\nC,c@x,\nA,a@x,\nB,b@x,H\n"
        records, certificate = read_all(people(text))
        assert {r.external_id: r.attributes["groups"] for r in records} == {
            "a@x": ("Y", "Z"),
            "b@x": ("G", "H"),
            "c@x": (),
        }
        assert next(r for r in records if r.external_id == "a@x").attributes["email"] == "a@x"
        assert (certificate.certified, certificate.records, certificate.groups) == (True, 3, 4)

    def test_a_person_is_handed_over_as_soon_as_the_last_row_was_read(self, people):
        text = "User Name,Email,Group Name\nA,a@x,Z\nA,a@x,Y\nB,b@x,G\nC,c@x,G\nB,b@x,H\n"
        assert [r.external_id for r in read_all(people(text))[0]] == ["a@x", "c@x", "b@x"]

    def test_a_contradiction_names_both_lines_and_the_columns_and_hands_nobody_over(self, people):
        text = "User Name,Email,Group Name\nAnna,a@x,Z\nB,b@x,G\nAnn,A@x,Z\nAnnie,a@x,Z\n"
        records, certificate = read_all(people(text))
        assert [r.external_id for r in records] == ["b@x"]
        [problem] = certificate.problems
        assert problem.message == (
            'people.csv line 2 and people.csv line 4 are about the same person "a@x" and differ in column User Name'
        )
        assert (problem.external_id, problem.email) == ("a@x", "a@x")

    def test_one_bad_row_keeps_the_whole_person_back(self, people):
        text = "Id,Email,Active\n1,a@x,\n1,a@x,perhaps\n2,b@x,\n"
        columns = {"id": "Id", "email": "Email", "active": "Active"}
        for lines in (text, text.replace("1,a@x,\n1,a@x,perhaps", "1,a@x,perhaps\n1,a@x,")):
            records, certificate = read_all(people(lines, columns))
            assert [r.external_id for r in records] == ["2"]
            assert [p.external_id for p in certificate.problems] == ["1"]

    def test_a_folder_is_one_directory(self, tmp_path):
        (tmp_path / "b.CSV").write_text("Full Name;Email;Groups\nA;a@x;H\nC;c@x;H\n")
        (tmp_path / "a.txt").write_text("User Name,Email,Group Name\nA,a@x,G\nB,b@x,G\n")
        (tmp_path / "c.tsv").write_bytes("Full Name\tEmail\nD\td@x\n".encode("utf-16"))
        for other in ("notes.md", ".hidden.csv"):
            (tmp_path / other).write_text("none of our business")
        (tmp_path / "sub.csv").mkdir()
        records, certificate = read_all(CsvSource("people", tmp_path, settle_seconds=0))
        assert {r.external_id: r.attributes.get("groups") for r in records} == {
            "a@x": ("G", "H"), "b@x": ("G",), "c@x": ("H",), "d@x": None,
        }  # fmt: skip
        assert certificate.certified

    def test_a_contradiction_across_files_names_both(self, tmp_path):
        (tmp_path / "a.csv").write_text("User Name,Email\nAnna,a@x\n")
        (tmp_path / "b.csv").write_text("Full Name,Email\n\nAnn,a@x\n")
        records, certificate = read_all(CsvSource("people", tmp_path, settle_seconds=0))
        assert records == []
        assert "a.csv line 2 and b.csv line 3" in certificate.problems[0].message
        assert "Full Name" in certificate.problems[0].message

    def test_two_people_of_one_hash_stay_two(self, people, monkeypatch):
        for module in (csv_source, csv_survey):
            monkeypatch.setattr(module, "hash", lambda key: 7, raising=False)
        text = "User Name,Email,Group Name\nA,a@x,Z\nB,b@x,G\nA,a@x,Y\nC,c@x,Z\n"
        records, certificate = read_all(people(text))
        assert {r.external_id: r.attributes["groups"] for r in records} == {
            "a@x": ("Y", "Z"),
            "b@x": ("G",),
            "c@x": ("Z",),
        }
        assert certificate.records == 3

    def test_very_many_rows_of_one_person(self, people):
        text = "User Name,Email,Group Name\n" + "A,a@x,G\n" * 100_000
        source = people(text)
        tracemalloc.start()
        try:
            records, certificate = read_all(source)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert [r.external_id for r in records] == ["a@x"]
        assert certificate.certified
        assert peak < 12_000_000


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=12
)
TRIMMED = NAMES.map(str.strip).filter(bool)
LOCAL = st.from_regex(r"[a-z0-9äßñ+'._-]{1,12}", fullmatch=True)
PEOPLE = st.lists(
    st.builds(
        lambda key, local, name, active, groups: [key, f"{local}@example.com", name, active, groups],
        TRIMMED,
        LOCAL,
        NAMES.map(str.strip),
        st.booleans(),
        st.sets(TRIMMED.filter(lambda name: "|" not in name), max_size=4),
    ),
    max_size=8,
    unique_by=lambda person: person[0],
)


@given(
    people=PEOPLE,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_whoever_is_written_reads_back_equal(tmp_path_factory, people, encoding, delimiter, quoting, ending):
    path = tmp_path_factory.mktemp("people") / "people.csv"
    rows = [
        [key, email, name, "|".join(sorted(groups)), "yes" if active else "no"]
        for key, email, name, active, groups in people
    ]
    path.write_bytes(written(rows, delimiter, quoting=quoting, lineterminator=ending).encode(encoding))
    declared = encoding if encoding == "utf-16-le" else None
    source = CsvSource("people", path, COLUMNS, groups_separator="|", encoding=declared, settle_seconds=0)
    records, certificate = read_all(source)
    assert certificate.problems == ()
    assert certificate.certified == bool(people)
    assert [r.external_id for r in records] == [key for key, *_ in people]
    by_name = csv_source.GroupNames(None)
    for record, (_, email, name, active, groups) in zip(records, people, strict=True):
        for group in sorted(groups):
            by_name[group]
        wanted = {"email": email, "display_name": name, "active": active, "groups": by_name.unique(sorted(groups))}
        assert record.attributes == wanted


def test_a_row_is_known_only_as_long_as_it_is_read_in_the_same_way(tmp_path):
    """Another header map, or another separator, makes every row new, though its text is the same."""
    path = tmp_path / "people.csv"
    path.write_text("Mail,Name,Team,Other\nanna@example.com,Anna,A;B,C\n")

    def version(columns, separator=None):
        made = CsvSource("people", path, columns, groups_separator=separator, settle_seconds=0)
        return next(made.read()).version

    one = {"email": "Mail", "display_name": "Name", "groups": "Team"}
    assert version(one) == version(dict(one))
    assert len({version(one), version(one, ";"), version({**one, "groups": "Other"})}) == 3


def test_a_person_of_several_rows_has_no_version(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(
        "User Name,Email,Group Name\nAnna,anna@example.com,A\nBob,bob@example.com,A\nAnna,anna@example.com,B\n"
    )
    records, _ = read_all(CsvSource("people", path, settle_seconds=0))
    assert {record.external_id: record.version is None for record in records} == {
        "anna@example.com": True,
        "bob@example.com": False,
    }
