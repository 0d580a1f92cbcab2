"""The source against a service that breaks off, moves between its pages and says what is not so: no absence is certified wrongly."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ConnectorError, CursorError, PermanentError, RefusedError, RetryableError, UnreadableError
from connectors.http import Http, LostError
from connectors.model import Certificate, Gone, Known, Record
from connectors.scim.settings import Access, Basic, Bearer, ClientCredentials, SourceSettings
from connectors.scim_source import ScimSource
from tests.scim_services import LIST, TOKEN, Given, access, error, group, our_service, user

CURSORS = {"pagination": {"cursor": True, "index": True}, "filter": {"supported": True, "maxResults": 1000}}


@pytest.fixture
def service():
    with our_service() as running:
        yield running


def staff(service, count, *groups):
    service.seed([user(f"E{n:03}", f"e{n}@example.com", f"Person {n}") for n in range(count)], list(groups))


def source(service, **more):
    waits = []
    made = ScimSource(
        "scim", SourceSettings(access(service.url, tries=3), **{"page_size": 3, **more}), sleep=waits.append
    )
    made.waits = waits
    return made


def read(made):
    *records, certificate = made.read()
    assert isinstance(certificate, Certificate)
    return {r.external_id: r for r in records if isinstance(r, Record)}, certificate


def at_page(number, act, path="/Users"):
    """Do something right before the nth page of a list is put together, in every pass or in the first."""
    seen = [0]

    def before(asked):
        if asked.path == path and ("startIndex" in asked.query or "cursor" in asked.query):
            seen[0] += 1
            if seen[0] == number:
                return act()
        return None

    return before


# --- shapes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"Resources": []}, "totalResults"),
        ({"schemas": ["urn:other"], "totalResults": 0}, "other schemas"),
        ({"schemas": [LIST], "totalResults": "4", "Resources": []}, "totalResults"),
        ({"schemas": [LIST], "totalResults": True, "Resources": []}, "totalResults"),
        ({"schemas": [LIST], "totalResults": 4, "Resources": {}}, "no list of Resources"),
    ],
)
def test_what_is_no_list_is_refused(service, body, said):
    service.before = at_page(1, lambda: Given(200, body))
    with pytest.raises(UnreadableError, match=said):
        read(source(service))


def test_a_page_that_is_a_login_page_is_refused(service):
    service.before = at_page(1, lambda: Given(200, raw=b"<html>log in</html>"))
    with pytest.raises(UnreadableError, match="no JSON object"):
        read(source(service))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_page_that_fails_ends_the_read(service, number):
    staff(service, 8)
    service.before = at_page(number, lambda: error(500, "out of order"))
    with pytest.raises(RetryableError, match="500"):
        read(source(service))


def test_a_redirect_is_not_followed(service):
    service.before = lambda _: Given(302, headers={"location": "http://127.0.0.1:1/"})
    with pytest.raises(PermanentError, match="redirect"):
        read(source(service))


def test_an_answer_that_is_too_large_is_not_cut_but_refused(service):
    staff(service, 8)
    made = ScimSource("scim", SourceSettings(access(service.url, largest_answer=900)))
    with pytest.raises(UnreadableError, match="more than 900 bytes"):
        read(made)


def test_a_pause_that_is_asked_for_is_kept_and_the_read_goes_on(service):
    staff(service, 8)
    service.before = at_page(2, lambda: Given(429, headers={"retry-after": "7"}))
    made = source(service)
    people, certificate = read(made)
    assert (len(people), certificate.certified, made.waits) == (8, True, [7.0])


def test_an_answer_cut_anywhere_certifies_nothing_that_was_not_read(service):
    staff(service, 8, group("G", "Field", ["E001", "E002"]))
    numbers = random.Random(7)
    for _ in range(25):
        at, page = numbers.randrange(1500), numbers.randrange(1, 4)
        service.after = None
        seen = [0]

        def cut(asked, given, at=at, page=page, seen=seen):
            seen[0] += "startIndex" in asked.query
            return Given(given.status, given.body, cut=at) if seen[0] == page else given

        service.after = cut
        try:
            people, certificate = read(source(service))
        except ConnectorError:
            continue
        assert not certificate.certified or len(people) == 9


# --- what moves ---------------------------------------------------------------------------------------------------


def test_who_is_pushed_to_a_page_that_was_read_already_is_still_met(service):
    """One goes and another comes: the total stays, nobody is met twice, and somebody falls between two pages."""
    staff(service, 8)

    def move():
        del service.users["E001"]
        service.put(user("E900", "new@example.com", "New"), at=datetime.now(UTC).isoformat())

    service.before = at_page(2, move)
    people, certificate = read(source(service))
    assert certificate.certified
    assert service.users.keys() <= people.keys()


def test_the_same_where_nothing_can_be_filtered(service):
    service.filters = False
    test_who_is_pushed_to_a_page_that_was_read_already_is_still_met(service)


def test_a_list_that_moves_all_the_time_is_not_certified(service):
    staff(service, 8)
    count = [0]

    def before(asked):
        if asked.query.get("startIndex") == "4":
            count[0] += 1
            del service.users[next(iter(service.users))]
            service.put(user(f"N{count[0]}", f"n{count[0]}@example.com", "New"), at=datetime.now(UTC).isoformat())

    service.before = before
    _, certificate = read(source(service))
    assert not certificate.certified
    assert "4 passes" in certificate.reasons[0]


@pytest.mark.parametrize("config", [CURSORS, {"filter": {"supported": True}}], ids=["cursor", "index"])
@settings(max_examples=25)
@given(moves=st.lists(st.tuples(st.integers(1, 8), st.sampled_from(["go", "come", "both", "first"])), max_size=3))
def test_whatever_moves_no_absence_is_certified_wrongly(config, moves):
    with our_service(config=config) as service:
        staff(service, 7)
        lasting = set(service.users)
        seen = [0]

        def before(asked):
            if asked.path != "/Users" or not {"startIndex", "cursor"} & asked.query.keys():
                return
            seen[0] += 1
            for at, what in moves:
                if at != seen[0]:
                    continue
                if what in {"go", "both"} and service.users:
                    lasting.discard(gone := next(iter(service.users)))
                    del service.users[gone]
                if what in {"come", "both"}:
                    key = f"N{seen[0]}{len(service.users)}"
                    service.put(user(key, f"{key}@example.com", "New"), at=datetime.now(UTC).isoformat())
                if what == "first" and service.users:  # to the end of the list, as one sorted by change does
                    key = next(iter(service.users))
                    service.users[key] = service.users.pop(key)

        service.before = before
        people, certificate = read(source(service))
        assert not certificate.certified or lasting <= people.keys()


def test_a_total_that_only_counts_the_page_is_found_out(service):
    staff(service, 8)

    def lie(asked, given):
        if asked.path == "/Users" and given.status == 200:
            given.body["totalResults"] = len(given.body["Resources"])
        return given

    service.after = lie
    _, certificate = read(source(service))
    assert not certificate.certified


@pytest.mark.parametrize("keep", [0, 2])
def test_pages_that_stop_before_the_end_are_found_out(service, keep):
    staff(service, 8)

    def shorten(asked, given):
        if asked.path == "/Users" and int(asked.query.get("startIndex", 1)) > 3:
            given.body["Resources"] = given.body["Resources"][:keep] if asked.query["startIndex"] == "4" else []
        return given

    service.after = shorten
    _, certificate = read(source(service))
    assert not certificate.certified


def test_a_service_that_gives_page_one_for_ever_is_found_out(service):
    staff(service, 8)
    service.before = lambda asked: asked.query.pop("startIndex", None) and None
    _, certificate = read(source(service))
    assert not certificate.certified


def test_cursors_that_go_round_are_found_out(service):
    service.config = CURSORS
    staff(service, 8)

    def turn(asked, given):
        if "cursor" in asked.query:
            given.body["nextCursor"] = "3"
        return given

    service.after = turn
    _, certificate = read(source(service))
    assert not certificate.certified


def test_pages_by_cursor_are_read_to_their_end(service):
    service.config = CURSORS
    staff(service, 8)
    people, certificate = read(source(service))
    assert (len(people), certificate.certified) == (8, True)
    assert not any("startIndex" in asked.query for asked in service.asked)


def test_a_cursor_that_ended_while_we_read_is_tried_again_later(service):
    service.config = CURSORS
    staff(service, 8)
    service.before = at_page(2, lambda: error(400, "too late", "expiredCursor"))
    with pytest.raises(RetryableError, match="cursor"):
        read(source(service))


def test_someone_without_an_id_takes_the_certificate_away(service):
    staff(service, 3)
    service.after = lambda asked, given: (
        ([one.pop("id") for one in given.body.get("Resources", [])[:1]] and given) or given
    )
    _, certificate = read(source(service))
    assert not certificate.certified


# --- groups -------------------------------------------------------------------------------------------------------


def test_groups_in_groups_are_opened_and_circles_do_no_harm(service):
    outer = group("G1", "Outer", ["E000"])
    outer["members"].append({"value": "G2", "type": "Group"})
    inner = group("G2", "Inner", ["E001"])
    inner["members"].append({"value": "G1", "type": "Group"})
    staff(service, 3, outer, inner)
    people, certificate = read(source(service))
    assert people["G1"].attributes["members"] == people["G2"].attributes["members"] == ("E000", "E001")
    assert certificate.certified
    flat, _ = read(source(service, nested=False))
    assert flat["G2"].attributes["members"] == ("E001",)


def test_a_group_that_the_filter_leaves_out_counts_inside_another(service):
    outer = group("G1", "Outer", [])
    outer["members"].append({"value": "G2", "type": "Group"})
    staff(service, 3, outer, group("G2", "Inner", ["E001"]))
    people, _ = read(source(service, groups_filter='displayName eq "Outer"'))
    assert people["G1"].attributes["members"] == ("E001",)
    assert "G2" not in people


def test_members_that_the_list_leaves_out_are_asked_for(service):
    staff(service, 3, group("G1", "Field", ["E000", "E002"]))
    service.after = _silent
    people, certificate = read(source(service))
    assert people["G1"].attributes["members"] == ("E000", "E002")
    assert certificate.certified


def _silent(asked, given):
    if asked.path == "/Groups" and given.status == 200:
        given.body["Resources"] = [{k: v for k, v in one.items() if k != "members"} for one in given.body["Resources"]]
    return given


def test_groups_of_a_service_that_never_tells_members_stay_as_they_are(service):
    staff(service, 3, {"id": "G1", "displayName": "Field"})
    _, certificate = read(source(service))
    assert certificate.frozen_groups == {"Field"}
    assert certificate.certified
    assert certificate.cursor is None


def test_a_member_list_that_was_cut_freezes_its_group_alone(service):
    staff(service, 3, group("G1", "Field", ["E000"]), group("G2", "Office", ["E000"]))
    for key in ("E000", "E001"):
        service.users[key]["groups"] = [{"value": "G1", "display": "Field"}]
    people, certificate = read(source(service))
    assert certificate.frozen_groups == {"Field"}
    assert "G1" not in people
    assert people["G2"].attributes["members"] == ("E000",)


def test_groups_that_are_not_there_are_no_groups_that_were_deleted(service):
    staff(service, 3)
    service.before = lambda asked: error(404, "no groups here") if asked.path == "/Groups" else None
    with pytest.raises(PermanentError, match="has no groups"):
        read(source(service))
    people, certificate = read(source(service, groups=False))
    assert (len(people), certificate.certified) == (3, True)


# --- people -------------------------------------------------------------------------------------------------------


def test_everything_usual_is_read_by_the_names_that_other_sources_use(service):
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    service.put(
        {
            "id": "E1",
            "userName": "anna",
            "name": {"givenName": "Anna", "familyName": "Berg"},
            "emails": [{"value": "home@example.com", "type": "home"}, {"value": "anna@example.com", "type": "work"}],
            "active": "False",
            "title": " Lead ",
            "nickName": "An",
            urn: {"employeeNumber": "7", "department": "Field", "manager": "E2"},
        }
    )
    people, _ = read(source(service, attributes={"phone": "nickName", "private": 'emails[type eq "home"].value'}))
    assert people["E1"].attributes == {
        "user_name": "anna",
        "given_name": "Anna",
        "family_name": "Berg",
        "display_name": "Anna Berg",
        "email": "anna@example.com",
        "active": False,
        "title": "Lead",
        "nick_name": "An",
        "phone": "An",
        "private": "home@example.com",
        "employee_number": "7",
        "department": "Field",
        "manager": "E2",
    }


@pytest.mark.parametrize(
    "spoiled", [{"active": "perhaps"}, {"displayName": "A\u202eB"}, {"emails": [{"value": "a@"}]}, {"title": {"x": 1}}]
)
def test_a_value_that_leaves_doubt_is_named_with_its_person(service, spoiled):
    staff(service, 3)
    service.users["E001"] |= spoiled
    people, certificate = read(source(service))
    (problem,) = certificate.problems
    assert problem.external_id == "E001"
    assert "E001" not in people


# --- who we are ---------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_named_and_never_shown(service):
    made = ScimSource("scim", SourceSettings(Access(service.url, Bearer(lambda: "hush-hush"))))
    with pytest.raises(RefusedError) as caught:
        read(made)
    assert "401" in caught.value.what
    assert "hush" not in str(vars(caught.value))


def test_a_token_that_is_exchanged_is_used_at_the_next_request(service):
    staff(service, 8)
    tokens = iter([TOKEN, TOKEN, "old"])
    made = ScimSource("scim", SourceSettings(Access(service.url, Bearer(lambda: next(tokens, TOKEN))), page_size=3))
    with pytest.raises(RefusedError):
        read(made)
    assert read(made)[1].certified


def test_a_name_and_a_password_stand_in_the_header(service):
    service.before = lambda asked: error(401, asked.headers["authorization"])
    with pytest.raises(RefusedError):
        read(ScimSource("scim", SourceSettings(Access(service.url, Basic("anna", lambda: "x")))))
    assert service.asked[0].headers["authorization"] == "Basic YW5uYTp4"


@pytest.mark.parametrize("send", ["header", "body"])
def test_a_token_is_fetched_once_and_again_when_it_is_refused(service, send):
    staff(service, 8)
    given = []

    def before(asked):
        if asked.path != "/token":
            return None
        given.append(asked)
        return Given(
            200, {"access_token": TOKEN if len(given) != 1 else "stale", "expires_in": 3600, "token_type": "Bearer"}
        )

    service.before = before
    auth = ClientCredentials(service.url + "/token", "us", lambda: "s:cret", "scim", send)
    assert read(ScimSource("scim", SourceSettings(Access(service.url, auth), page_size=3)))[1].certified
    assert len(given) == 2
    assert ("client_secret=s%3Acret" in given[0].body) == (send == "body")
    assert given[0].headers.get("authorization") == (None if send == "body" else "Basic dXM6cyUzQWNyZXQ=")


# --- changes ------------------------------------------------------------------------------------------------------


class Holding(Known):
    def __init__(self, records):
        self.there = {(r.kind, r.external_id) for r in records.values()}

    def held(self, kind, external_ids):
        return {one for one in external_ids if (kind, one) in self.there}


def changes(made, cursor, known):
    *items, certificate = made.changes(cursor, known)
    assert not any(isinstance(item, Gone) for item in items)
    return {item.external_id: item for item in items}, certificate


def test_changes_are_what_was_made_or_changed_since_and_the_groups(service):
    staff(service, 8, group("G1", "Field", ["E000"]), group("G2", "Office", ["E003"]))
    made = source(service)
    records, certificate = read(made)
    nothing, again = changes(made, certificate.cursor, Holding(records))
    assert (nothing, again.certified) == ({}, True)
    now = datetime.now(UTC).isoformat()
    service.put(user("E100", "new@example.com", "New"), user("E001", "e1@example.com", "Changed"), at=now)
    service.put(group("G1", "Field", ["E000", "E100", "E005"]), at=now)
    found, again = changes(made, again.cursor, Holding(records))
    assert found.keys() == {"E100", "E001", "G1", "G2"}
    assert found["G1"].attributes["members"] == ("E000", "E005", "E100")
    assert again.certified
    assert again.cursor


@pytest.mark.parametrize("path", ["users", "groups"])
def test_that_somebody_went_asks_for_a_full_read(service, path):
    staff(service, 8, group("G1", "Field", ["E000"]))
    made = source(service)
    records, certificate = read(made)
    getattr(service, path).popitem()
    with pytest.raises(CursorError, match="somebody went"):
        changes(made, certificate.cursor, Holding(records))


def test_a_cursor_means_nothing_elsewhere(service):
    staff(service, 8)
    cursor = read(source(service))[1].cursor
    for other in (source(service, nested=False), ScimSource("scim", SourceSettings(access("http://127.0.0.1:1/scim")))):
        with pytest.raises(CursorError):
            changes(other, cursor, Known())
    for broken in ("", "{}", "[]", cursor.replace('"format":1', '"format":2')):
        with pytest.raises(CursorError):
            changes(source(service), broken, Known())


def test_nothing_is_announced(service):
    with pytest.raises(PermanentError, match="does not announce"):
        source(service).watch(1)


def test_a_byte_a_minute_does_not_last_for_ever():
    with our_service() as service:
        hours = iter(range(100))
        http = Http(longest=timedelta(minutes=5), tries=1, seconds=lambda: next(hours) * 3600.0)
        with http, pytest.raises(LostError, match="300 seconds"):
            http.call("GET", service.url + "/ServiceProviderConfig")


def test_a_clock_that_was_set_back_asks_for_a_full_read(service):
    staff(service, 8)
    cursor = read(source(service))[1].cursor
    service.now = lambda: datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(CursorError, match="clock"):
        changes(source(service), cursor, Known())


@pytest.mark.parametrize("how", ["filters", "dates"])
def test_a_service_that_cannot_tell_changes_gives_no_cursor(service, how):
    staff(service, 8)
    setattr(service, how, False)
    certificate = read(source(service))[1]
    assert certificate.certified
    assert certificate.cursor is None
