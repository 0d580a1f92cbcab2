"""Every way in which a part could be taken for the whole. On a real slapd where it can be made to do it, else behind a proxy."""

from __future__ import annotations

import contextlib

import pytest

from connectors.errors import RetryableError
from connectors.ldap.settings import Groups, People
from connectors.ldap.wire import decode_entry
from tests.ldap_proxy import DONE, ENTRY, Proxy, ber, done, number, operation
from tests.ldap_reads import Read, Remembering, make
from tests.slapd import GROUPS, PEOPLE, READER, SUFFIX, Slapd, group, ldif, needs_slapd, person, uid_dn

pytestmark = needs_slapd

TEAM = [person(name) for name in ("anna", "bob", "carl")]
FIELD = group("Field", [uid_dn("anna"), uid_dn("bob")])
OFFICE = group("Office", [uid_dn("carl")])
RETCODE = f"""overlay retcode
retcode-parent "ou=codes,{SUFFIX}"
retcode-item "cn=time" 3
retcode-item "cn=admin" 11
retcode-item "cn=busy" 51
retcode-item "cn=unwilling" 53
"""


@pytest.fixture
def start(tmp_path):
    """Start a server with these entries; stopped at the end."""
    with contextlib.ExitStack() as open_:

        def begin(*texts, **options):
            slapd = Slapd(tmp_path / "slapd", **options).load(*texts)
            open_.callback(slapd.stop)
            return slapd.start()

        yield begin


@pytest.fixture
def through():
    """A proxy before a server; closed at the end."""
    with contextlib.ExitStack() as open_:
        yield lambda slapd, **options: open_.enter_context(Proxy(slapd.port, **options))


def reasons(found):
    assert not found.certificate.certified
    return " ".join(found.certificate.reasons)


def test_a_size_limit(start):
    """1. The server answers 4 after 500 entries, and the entries so far look like a directory."""
    slapd = start(
        *[person(f"p{n}") for n in range(600)], FIELD, limits=[f'limits dn.exact="{READER}" size=500 size.prtotal=500']
    )
    found = Read(make(slapd.url))
    assert "ended after 500 entries with result 4, the size limit" in reasons(found)
    assert len(found.people) == 500  # each is true by itself
    assert found.groups == {}  # who was not read would look like one who left the group


def test_a_size_limit_without_pages(start):
    slapd = start(*[person(f"p{n}") for n in range(600)], limits=[f'limits dn.exact="{READER}" size=500'])
    assert "result 4" in reasons(Read(make(slapd.url, page_size=0)))


def test_a_size_limit_on_groups_only(start):
    texts = [group(f"G{n}", [uid_dn("anna")]) for n in range(12)]
    slapd = start(*TEAM, *texts, limits=[f'limits dn.exact="{READER}" size=10 size.prtotal=10'])
    found = Read(make(slapd.url))
    assert len(found.people) == 3
    assert "ended after 10 entries with result 4, the size limit" in reasons(found)
    assert found.members() == {f"G{n}": {"anna"} for n in range(10)}


@pytest.mark.parametrize(("code", "name"), [(3, "time"), (11, "admin"), (51, "busy"), (53, "unwilling")])
@pytest.mark.parametrize("where", ["people", "groups"])
def test_results_that_say_that_it_is_not_everything(start, code, name, where):
    slapd = start(*TEAM, FIELD, overlays=RETCODE)
    base = f"cn={name},ou=codes,{SUFFIX}"
    found = Read(make(slapd.url, people=People(base)) if where == "people" else make(slapd.url, groups=Groups(base)))
    assert f"result {code}" in reasons(found)
    assert len(found.people) == (0 if where == "people" else 3)


@pytest.mark.parametrize("code", [1, 4, 11, 51, 90])
def test_an_error_at_the_end_of_any_page(start, through, code):
    """ldap3's own paged search ends quietly on these."""
    slapd = start(*[person(f"p{n}") for n in range(20)])
    for page in range(1, 9):
        count = [0]

        def alter(message, count=count, page=page):
            if operation(message) == DONE:
                count[0] += 1
                if count[0] == page + 3:  # the root DSE's, and two for the cursor, come first
                    return done(message, code)
            return message

        found = Read(make(through(slapd, alter=alter).url, page_size=5, groups=None))
        assert f"result {code}" in reasons(found)


def test_a_result_without_the_page_control_is_not_the_end(start, through):
    def alter(message):
        if operation(message) == DONE:
            return done(message)
        return message

    slapd = start(*[person(f"p{n}") for n in range(20)])
    found = Read(make(through(slapd, alter=alter).url, page_size=5, groups=None))
    assert "did not say whether more follows" in reasons(found)


def test_a_continuation_reference(start):
    """2. A subordinate server holds a part; it is neither asked nor forgotten."""
    referral = ldif(
        f"ou=far,{PEOPLE}",
        objectClass=["referral", "extensibleObject"],
        ou="far",
        ref=f"ldap://127.0.0.1:1/ou=far,{PEOPLE}",
    )
    found = Read(make(start(*TEAM, FIELD, referral).url))
    assert "refers to other servers for a part of the directory (ldap://127.0.0.1:1/ou=far" in reasons(found)
    assert len(found.people) == 3


def test_a_base_that_is_a_referral(start):
    referral = ldif(
        f"ou=far,{SUFFIX}",
        objectClass=["referral", "extensibleObject"],
        ou="far",
        ref=f"ldap://127.0.0.1:1/ou=far,{SUFFIX}",
    )
    found = Read(make(start(*TEAM, referral).url, people=People(f"ou=far,{SUFFIX}")))
    assert "result 10, a referral to another server" in reasons(found)


def test_a_server_that_goes_away_between_pages(start):
    """3. Whoever came until then is no directory."""
    slapd = start(*[person(f"p{n}") for n in range(50)])
    stream = make(slapd.url, page_size=10).read()
    items = [next(stream) for _ in range(10)]
    slapd.stop()
    with pytest.raises(RetryableError, match="connection"):
        items.extend(stream)
    assert all(hasattr(item, "kind") for item in items)


def test_a_half_open_connection_that_never_answers(start, through):
    slapd = start(*[person(f"p{n}") for n in range(50)])
    proxy = through(slapd, stall_after=6000)
    with pytest.raises(RetryableError, match="no answer within 1 seconds"):
        list(make(proxy.url, servers={"receive_timeout": 1}).read())


def test_members_in_ranges(start, through):
    """4. `member` comes as `member;range=0-1`, and the rest has to be asked for."""
    asked = []
    found = Read(make(through(ranged(start), alter=as_ranges, ask=lambda m: from_ranges(m, asked)).url))
    assert found.members() == {"Field": {"anna", "bob", "carl"}, "Office": {"carl"}}
    assert found.certificate.certified
    assert asked


@pytest.mark.parametrize("how", ["stops", "gap", "gone"])
def test_a_range_that_is_not_followed_to_its_end_freezes_the_group(start, through, how):
    def ask(message):
        if b"range=2-*" in message:
            wanted = {"stops": b"range-9-x", "gap": b"range-3-x", "gone": b"range-9-x"}[how]
            message = message.replace(b"range=2-*", wanted)
        return message

    lines = []
    found = Read(make(through(ranged(start), alter=as_ranges, ask=ask).url, log=lines.append))
    assert found.certificate.certified
    assert found.certificate.frozen_groups == {"Field"}
    assert found.members() == {"Office": {"carl"}}
    assert any('group "Field" was not read whole' in line and "range" in line for line in lines)


def ranged(start):
    """A server whose Field holds its members under options of the same length as ranges."""
    field = {
        "objectClass": ["groupOfNames", "extensibleObject"],
        "cn": "Field",
        "member;range-0-1": [uid_dn("anna"), uid_dn("bob")],
    }
    return start(*TEAM, OFFICE, ldif(f"cn=Field,{GROUPS}", **field, **{"member;range-2-x": [uid_dn("carl")]}))


def as_ranges(message):
    # The first answer names both parts; a server that cuts would send the first only.
    if operation(message) == ENTRY and b"member;range-0-1" in message:
        message = without(message, b"member;range-2-x")
    return message.replace(b"range-0-1", b"range=0-1").replace(b"range-2-x", b"range=2-*")


def from_ranges(message, asked):
    if b"range=2-*" in message:
        asked.append(message)
    return message.replace(b"range=2-*", b"range-2-x")


def without(message, name):
    _, entry = decode_entry(message)
    parts = [
        ber(0x30, ber(4, key.encode()), ber(0x31, *[ber(4, value) for value in values]))
        for key, values in entry.attributes.items()
        if key.encode() != name
    ]
    return ber(0x30, number(message), ber(ENTRY, ber(4, entry.dn), ber(0x30, *parts)))


def test_an_attribute_that_was_hidden_since_the_last_certified_read(start):
    """6. It is absent, not refused: everybody would lose their address."""
    slapd = start(*TEAM, FIELD)
    memory = Remembering()
    assert Read(make(slapd.url, memory=memory)).certificate.certified
    assert memory.seen["people mail"] == 3
    slapd.access = ["access to attrs=mail by * none"]
    slapd.restart()
    found = Read(make(slapd.url, memory=memory))
    assert "has mail (then 3 entries) any more" in reasons(found)
    assert found.people == {}
    assert found.groups == {}
    assert memory.kept == 1


@pytest.mark.parametrize("after", [6000, 4], ids=["in a page", "in the bind"])
def test_a_server_that_drips_does_not_keep_us(start, after):
    """3. Every byte comes in time, and the page never does."""
    slapd = start(*[person(f"p{n}") for n in range(50)])
    with (
        Proxy(slapd.port, stall_after=after, drip=0.4) as proxy,
        pytest.raises(RetryableError, match="after 1 seconds"),
    ):
        list(make(proxy.url, servers={"receive_timeout": 5, "page_timeout": 1}).read())


def test_without_a_memory_nothing_is_said_of_it(start):
    slapd = start(*TEAM, access=["access to attrs=mail by * none"])
    assert Read(make(slapd.url)).certificate.certified


def test_members_that_were_hidden_since_the_last_certified_read(start):
    posix = ldif(f"cn=Posix,{GROUPS}", objectClass="posixGroup", cn="Posix", gidNumber="7", memberUid=["bob"])
    slapd = start(*TEAM, posix)
    memory = Remembering()
    assert Read(make(slapd.url, memory=memory)).members() == {"Posix": {"bob"}}
    slapd.access = ["access to attrs=memberUid by * none"]
    slapd.restart()
    found = Read(make(slapd.url, memory=memory))
    assert "memberuid (then 1 entries)" in reasons(found)
    assert found.groups == {}
    assert len(found.people) == 3


def test_a_group_whose_members_are_hidden_is_frozen(start):
    lines = []
    slapd = start(
        *TEAM,
        FIELD,
        OFFICE,
        group("All", [f"cn=Field,{GROUPS}"]),
        access=[f'access to dn.exact="cn=Field,{GROUPS}" attrs=member by * none'],
    )
    found = Read(make(slapd.url, log=lines.append))
    assert found.certificate.certified
    assert found.certificate.frozen_groups == {"Field", "All"}
    assert found.members() == {"Office": {"carl"}}
    assert any('group "All" was not read whole, and stays as it is: in its group "Field"' in line for line in lines)
    (told,) = make(slapd.url).check()
    assert "Field" in told


def test_a_person_whose_key_is_hidden_takes_the_certificate_away_and_freezes_their_groups(start):
    slapd = start(*TEAM, FIELD, OFFICE, access=[f'access to dn.exact="{uid_dn("anna")}" attrs=entryUUID by * none'])
    found = Read(make(slapd.url))
    (problem,) = found.certificate.problems
    assert "entryUUID, the key, is absent" in problem.message
    assert problem.email == "anna@example.com"
    assert found.certificate.frozen_groups == {"Field"}
    assert found.members() == {"Office": {"carl"}}


def test_a_group_whose_key_is_hidden(start):
    slapd = start(*TEAM, FIELD, OFFICE, access=[f'access to dn.exact="cn=Field,{GROUPS}" attrs=entryUUID by * none'])
    found = Read(make(slapd.url))
    assert not found.certificate.certified
    assert "entryUUID, the key, is absent" in found.certificate.problems[0].message
    assert found.members() == {"Office": {"carl"}}


@pytest.mark.parametrize("where", ["people", "groups"])
def test_a_base_that_vanished(start, where):
    """7. Renamed, moved or hidden: noSuchObject."""
    base = PEOPLE if where == "people" else GROUPS
    found = Read(make(start(*TEAM, FIELD, access=[f'access to dn.subtree="{base}" by * none']).url))
    assert "result 32, the base is not there" in reasons(found)
    assert found.groups == {}


def test_nobody_at_all_is_never_taken_for_the_truth(start):
    assert "an empty directory is never taken for the truth" in reasons(Read(make(start().url)))


def test_an_entry_that_the_server_counts_and_does_not_give(start, through):
    """10. The two counts must agree."""
    met = []

    def alter(message):
        if operation(message) == ENTRY and b"uid=bob" in message:
            met.append(message)
            return b"" if len(met) == 2 else message
        return message

    found = Read(make(through(start(*TEAM, FIELD), alter=alter).url))
    assert "was counted, is still there, and yet was not among the 3 people that were read" in reasons(found)
    assert set(found.people) == {"anna", "bob", "carl"}
    assert found.groups == {}


def test_somebody_who_left_between_the_counts_is_gone(start):
    slapd = start(*[person(f"p{n}") for n in range(30)], group("Field", [uid_dn("p29"), uid_dn("p1")]))
    stream = make(slapd.url, page_size=10).read()
    items = [next(stream)]
    slapd.delete(uid_dn("p29"))
    *more, certificate = stream
    assert certificate.certified
    assert certificate.records == 29
    (field,) = [item for item in more if item.kind == "group"]
    assert len(field.attributes["members"]) == 1
    assert len(items) + len(more) == 30


def test_somebody_who_moved_between_the_counts_is_met_once(start):
    slapd = start(*[person(f"p{n}") for n in range(30)], group("Field", [uid_dn("p29")]))
    stream = make(slapd.url, page_size=10).read()
    items = [next(stream)]
    slapd.change(f"dn: {uid_dn('p29')}\nchangetype: modrdn\nnewrdn: uid=aaa\ndeleteoldrdn: 1\n")
    slapd.add(person("new"))
    *more, certificate = stream
    people = [item for item in [*items, *more] if item.kind == "person"]
    assert certificate.certified
    assert len({item.external_id for item in people}) == len(people) == 31
    moved = next(item for item in people if item.attributes["user_name"] == "aaa")
    assert more[-1].attributes["members"] == (moved.external_id,)


def test_lookups_that_are_not_whole_freeze_only_the_groups_concerned(start):
    elsewhere = f"ou=elsewhere,{SUFFIX}"
    guests = [person(f"g{n}", elsewhere) for n in range(12)]
    slapd = start(
        *TEAM, OFFICE, ldif(elsewhere, objectClass="organizationalUnit", ou="elsewhere"), *guests,
        group("Field", [uid_dn("anna"), *[uid_dn(f"g{n}", elsewhere) for n in range(12)]]),
        limits=[f'limits dn.exact="{READER}" size=8 size.prtotal=8'],
    )  # fmt: skip
    found = Read(make(slapd.url, lookup_size=400))
    assert found.certificate.certified
    assert found.certificate.frozen_groups == {"Field"}
    assert found.members() == {"Office": {"carl"}}
