"""A property: whatever is cut, at whatever byte, and whichever answer is left out, nothing that is not whole is certified."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.ldap.settings import Groups
from connectors.model import Certificate
from tests.depth import examples
from tests.ldap_proxy import DONE, ENTRY, Proxy, done, operation
from tests.ldap_reads import Read, make
from tests.slapd import GROUPS, SUFFIX, Slapd, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd

ELSEWHERE = f"ou=elsewhere,{SUFFIX}"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    people = [person(f"p{n:02}", manager=uid_dn("p00")) for n in range(23)]
    groups = [
        group("All", [f"cn=Half,{GROUPS}", f"cn=Far,{ELSEWHERE}"]),
        group("Half", [uid_dn(f"p{n:02}") for n in range(12)]),
        group("Far", [uid_dn("p20"), f"cn=Farther,{ELSEWHERE}"], ELSEWHERE),
        group("Farther", [uid_dn("p21")], ELSEWHERE),
        ldif(f"cn=Posix,{GROUPS}", objectClass="posixGroup", cn="Posix", gidNumber="7", memberUid=["p01", "p22"]),
    ]
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    server.load(*people, ldif(ELSEWHERE, objectClass="organizationalUnit", ou="elsewhere"), *groups).start()
    yield server
    server.stop()


def source(url):
    return make(url, page_size=5, groups=Groups(GROUPS, page_size=2), servers={"receive_timeout": 20})


@pytest.fixture(scope="module")
def whole(slapd):
    """What a read brings, and how many bytes and answers it takes."""
    kinds = []
    with Proxy(slapd.port, alter=lambda message: kinds.append(operation(message)) or message) as proxy:
        items = list(source(proxy.url).read())
        return items, proxy.sent, kinds


def records(items):
    return {(item.kind, item.external_id): item.attributes for item in items if not isinstance(item, Certificate)}


def read_until_it_breaks(url):
    items = []
    broke = False
    try:
        for item in source(url).read():
            items.append(item)  # noqa: PERF402 - what came before it broke is wanted
    except ConnectorError:
        broke = True
    return items, broke


def check(items, whole_items):
    """Nothing untrue was said; returns the certificate."""
    truth = records(whole_items)
    for key, attributes in records(items).items():
        assert truth[key] == attributes
    certificates = [item for item in items if isinstance(item, Certificate)]
    return certificates[0] if certificates else None


@settings(max_examples=examples(25, 80))
@given(st.integers(0, 10**9))
def test_cut_at_any_byte(slapd, whole, where):
    whole_items, size, _ = whole
    with Proxy(slapd.port, cut_after=where % (size - 1)) as proxy:
        items, broke = read_until_it_breaks(proxy.url)
    assert broke
    assert check(items, whole_items) is None


@settings(max_examples=examples(25, 80))
@given(st.integers(0, 10**9), st.sampled_from([1, 3, 4, 11, 51, 53, 80]))
def test_ended_early_with_an_error_at_any_answer(slapd, whole, where, code):
    whole_items, _, kinds = whole
    at = 1 + where % (len(kinds) - 1)  # the first is the bind's
    met = []

    def alter(message):
        met.append(operation(message))
        if len(met) == at + 1 and met[-1] in {ENTRY, DONE}:
            state.append(message)
            return done(message, code)
        return message

    state = []
    with Proxy(slapd.port, alter=alter) as proxy:
        items, broke = read_until_it_breaks(proxy.url)
    certificate = check(items, whole_items)
    if state and not broke:
        assert certificate is not None
        lost = records(whole_items).keys() - records(items).keys()
        # The root DSE and the question whether the server answers by name can do without their answer.
        assert not lost or certificate.reasons or certificate.frozen_groups


@settings(max_examples=examples(25, 80))
@given(st.integers(0, 10**9))
def test_any_entry_left_out_by_the_server(slapd, whole, where):
    """Of people it is noticed, since they are counted; of groups and lookups only the next read can tell."""
    whole_items, _, kinds = whole
    entries = [number for number, kind in enumerate(kinds) if kind == ENTRY]
    people = entries[1 : 1 + 2 * 23]
    at = people[where % len(people)]
    met = []

    def alter(message):
        met.append(message)
        return b"" if len(met) == at + 1 else message

    with Proxy(slapd.port, alter=alter) as proxy:
        items, broke = read_until_it_breaks(proxy.url)
    assert not broke
    certificate = check(items, whole_items)
    assert certificate is not None
    assert certificate.reasons or records(items) == records(whole_items)


def test_untouched_it_is_whole(slapd, whole):
    with contextlib.closing(Proxy(slapd.port)) as proxy:
        found = Read(source(proxy.url))
    assert found.certificate.certified
    assert found.members()["All"] == {f"p{n:02}" for n in range(12)} | {"p20", "p21"}
    assert found.members()["Posix"] == {"p01", "p22"}
    assert found.certificate.records == 23
