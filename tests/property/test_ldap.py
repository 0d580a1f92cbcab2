"""For every small directory and every fault on the way: nobody's absence is certified wrongly, and what is certified is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.ldap.settings import Groups, People
from connectors.ldap.source import LdapSource
from connectors.model import Certificate, Record
from tests.depth import examples
from tests.ldap_proxy import DONE, ENTRY, Proxy, operation
from tests.ldap_reads import make
from tests.slapd import SUFFIX, Slapd, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd

NAMES = "abcdefgh"
_numbers = count()


@dataclass(frozen=True)
class Directory:
    """People, and groups with whom they name; people by a letter, groups by a digit."""

    people: frozenset[str]
    elsewhere: frozenset[str]
    """People outside of the base."""
    groups: dict[str, frozenset[str]]
    """Group (digits) -> letters of people, some of whom are nobody, and digits of groups."""
    far: frozenset[str]
    """Which of the groups are outside of the base."""
    base: str = field(default_factory=lambda: f"ou=d{next(_numbers)},{SUFFIX}")

    def entries(self) -> Iterator[str]:
        """As LDIF."""
        yield ldif(self.base, objectClass="organizationalUnit", ou=self.base[3:].partition(",")[0])
        for unit in ("people", "groups", "far"):
            yield ldif(f"ou={unit},{self.base}", objectClass="organizationalUnit", ou=unit)
        yield from (person(name, self.unit("people")) for name in sorted(self.people))
        yield from (person(name, self.unit("far")) for name in sorted(self.elsewhere))
        for name, members in self.groups.items():
            listed = [self.dn(member) for member in sorted(members)]
            yield group(name, [*listed, f"cn=nobody,{self.base}"], self.home(name))

    def unit(self, name: str) -> str:
        """Where things are."""
        return f"ou={name},{self.base}"

    def home(self, group_name: str) -> str:
        """Where a group is."""
        return self.unit("far" if group_name in self.far else "groups")

    def dn(self, name: str) -> str:
        """The name of a person or group."""
        if name.isdigit():
            return f"cn={name},{self.home(name)}"
        return uid_dn(name, self.unit("far" if name in self.elsewhere else "people"))

    def members(self, name: str) -> set[str]:
        """Who is in a group, through any number of groups."""
        met, waiting, found = {name}, [name], set[str]()
        while waiting:
            for member in self.groups.get(waiting.pop(), frozenset()):
                if member in self.people:
                    found.add(member)
                elif member.isdigit() and member not in met:
                    met.add(member)
                    waiting.append(member)
        return found

    def truth(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """What a whole read hands over: people, and groups with their members."""
        ours = {("group", name): tuple(sorted(self.members(name))) for name in self.groups if name not in self.far}
        return {("person", name): () for name in self.people} | ours

    def source(self, url: str) -> LdapSource:
        """In small pages and small filters, so that there are many answers."""
        return make(
            url,
            people=People(self.unit("people"), key_attribute="uid"),
            groups=Groups(self.unit("groups"), key_attribute="cn", page_size=2),
            page_size=3,
            lookup_size=2,
        )


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """Up to eight people, some elsewhere, and up to five groups in any tangle."""
    places = draw(st.lists(st.sampled_from(["people", "people", "people", "far", ""]), min_size=8, max_size=8))
    of = {place: frozenset(n for n, p in zip(NAMES, places, strict=True) if p == place) for place in ("people", "far")}
    names = [str(number) for number in range(draw(st.integers(0, 5)))]
    anybody = st.frozensets(st.sampled_from([*NAMES, *names]), max_size=8)
    return Directory(
        of["people"],
        of["far"],
        {name: draw(anybody) for name in names},
        draw(st.frozensets(st.sampled_from(names))) if names else frozenset(),
    )


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    server = Slapd(tmp_path_factory.mktemp("slapd")).load().start()
    yield server
    server.stop()


def read(source: LdapSource) -> tuple[dict[tuple[str, str], tuple[str, ...]], Certificate | None]:
    """What was handed over until the end, and the certificate, where there is one."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    certificate = None
    try:
        for item in source.read():
            if isinstance(item, Record):
                found[item.kind, item.external_id] = tuple(item.attributes.get("members", ()))  # type: ignore[arg-type]
            else:
                certificate = item
    except ConnectorError:
        assert certificate is None
    return found, certificate


def must_be_true(
    directory: Directory, found: dict[tuple[str, str], tuple[str, ...]], certificate: Certificate | None
) -> None:
    """Whatever was said is so, and what was certified is all."""
    truth = directory.truth()
    assert found.items() <= truth.items()
    if certificate is not None and certificate.certified:
        absent = truth.keys() - found.keys()
        assert absent <= {("group", name) for name in certificate.frozen_groups}
        assert certificate.records == len(directory.people)


@settings(max_examples=examples(15, 40))
@given(directories())
def test_what_is_certified_is_the_directory(slapd: Slapd, directory: Directory) -> None:
    slapd.add(*directory.entries())
    found, certificate = read(directory.source(slapd.url))
    assert found == (directory.truth() if directory.people else {})
    assert certificate is not None
    assert certificate.certified is bool(directory.people)
    assert not certificate.frozen_groups


RESULTS = (1, 3, 4, 11, 32, 50, 51, 52, 53, 80, 123)
faults = st.tuples(st.sampled_from([None, *RESULTS]), st.integers(0, 10**6))
"""The result with which a search ends early (None: the connection is cut), and where."""


@settings(max_examples=examples(15, 40))
@given(directories(), st.lists(faults, min_size=4, max_size=4))
def test_no_cut_and_no_error_makes_somebody_absent(
    slapd: Slapd, directory: Directory, these: list[tuple[int | None, int]]
) -> None:
    slapd.add(*directory.entries())
    kinds: list[int] = []
    with Proxy(slapd.port, alter=lambda message: kinds.append(operation(message)) or message) as proxy:
        must_be_true(directory, *read(directory.source(proxy.url)))
        size = proxy.sent
    for code, where in these:
        if code is None:
            broken = Proxy(slapd.port, cut_after=1 + where % (size - 1))
        else:
            broken = Proxy(slapd.port, alter=_ended_early(1 + where % (len(kinds) - 1), code))
        with broken as proxy:
            found, certificate = read(directory.source(proxy.url))
        must_be_true(directory, found, certificate)
        assert certificate is None or code is not None
        event("broke" if certificate is None else "certified" if certificate.certified else "uncertified")


def _ended_early(at: int, code: int) -> Callable[[bytes], bytes]:
    """From one answer on nothing more of its search comes, but a result that is no success."""
    met: list[int] = []
    ending: list[bool] = []

    def alter(message: bytes) -> bytes:
        met.append(operation(message))
        if len(met) == at + 1:
            ending.append(True)
        if not ending or met[-1] not in {ENTRY, DONE}:
            return message
        if met[-1] == ENTRY:
            return b""
        ending.clear()
        return message.replace(b"\n\x01\x00", bytes([10, 1, code]), 1)  # all else, the page's cookie too, as it came

    return alter
