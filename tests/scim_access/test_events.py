"""Events: what they say, that they go with their change or not at all, and that each arrives at least once."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from scim.access import tokens
from scim.access.gate import Gate
from scim.access.metadata import reading, writing
from scim.access.scopes import Scope
from scim.access.settings import Tenant
from scim.access.tokens import Wanted
from scim.events import queue
from scim.events.endpoints import add_event_endpoints
from scim.events.outbox import Change, Deed, Outbox, advertised, claims_of
from scim.events.polling import InvalidPollError, Poll, answer
from scim.events.pushing import Courier
from scim.events.settings import Stream
from scim.events.signing import Signer
from scim.events.tables import events
from tests.house import Clock
from tests.scim.small_provider import guarded_app

ISSUER = "https://sync.example.com/scim/v2/people"
POLLED = Stream("people", "https://receiver.example.com", ISSUER)
PATCHED = Change("Users", "7", (Deed.PATCHED, Deed.DEACTIVATED), ("active", "active"), "ext-7", 'W/"3"')


@pytest.fixture
def signer(engine: Engine, clock: Clock) -> Signer:
    return Signer(engine, clock)


@pytest.fixture
def tell(engine: Engine, clock: Clock) -> Callable[..., None]:
    def told(count: int = 1, tenant: str = "people", change: Change = PATCHED) -> None:
        outbox = Outbox({"people": POLLED, "others": Stream("others", "o", "o")})
        with writing(engine) as connection:
            for _ in range(count):
                outbox.changed(connection, tenant, [change], clock())

    return told


def rows(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(select(events).order_by(events.c.event_id)))


def checked(token: str, key_set: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, after the signature was checked as RFC 7515 and RFC 7518, section 3.4, say, without joserfc."""
    head, body, signature = token.split(".")
    header = json.loads(octets(head))
    (key,) = (one for one in key_set["keys"] if one["kid"] == header["kid"])
    point = EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), SECP256R1()).public_key()
    both = octets(signature)
    der = encode_dss_signature(int.from_bytes(both[:32]), int.from_bytes(both[32:]))
    point.verify(der, f"{head}.{body}".encode(), ECDSA(SHA256()))
    return header, json.loads(octets(body))


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text: str) -> int:
    return int.from_bytes(octets(text))


# --- what an event says -------------------------------------------------------------------------------------------


def test_the_claims_are_those_of_the_rfcs(clock: Clock) -> None:
    claims = claims_of(POLLED, PATCHED, "txn-1", clock.now)
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "iss": ISSUER,
        "iat": int(clock.now.timestamp()),
        "aud": ["https://receiver.example.com"],
        "txn": "txn-1",
        "sub_id": {"format": "scim", "uri": "/Users/7", "externalId": "ext-7"},
        "events": {
            "urn:ietf:params:scim:event:prov:patch:notice": {"attributes": ["active"], "version": 'W/"3"'},
            "urn:ietf:params:scim:event:prov:deactivate": {},
        },
    }


@pytest.mark.parametrize(
    ("deed", "payload"),
    [
        (Deed.CREATED, {"attributes": ["userName"]}),
        (Deed.REPLACED, {"attributes": ["userName"]}),
        (Deed.DELETED, {}),
        (Deed.ACTIVATED, {}),
    ],
)
def test_each_deed_has_its_event(deed: Deed, payload: dict[str, Any], clock: Clock) -> None:
    claims = claims_of(POLLED, Change("Groups", "g", (deed,), ("userName",)), "t", clock.now)
    assert claims["events"] == {f"urn:ietf:params:scim:event:prov:{deed.value}": payload}
    assert claims["sub_id"] == {"format": "scim", "uri": "/Groups/g"}


def test_what_can_be_told_is_advertised() -> None:
    assert advertised(None) is None
    found = advertised(POLLED)
    assert found is not None
    assert found["asyncRequest"] == "none"
    assert "urn:ietf:params:scim:event:prov:delete" in found["eventUris"]


# --- with the change ----------------------------------------------------------------------------------------------


def test_an_event_goes_with_its_change_or_not_at_all(engine: Engine, clock: Clock) -> None:
    outbox = Outbox({"people": POLLED})

    def change_and_fail() -> None:
        with writing(engine) as connection:
            assert outbox.changed(connection, "people", [PATCHED], clock.now) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert rows(engine) == []
    with writing(engine) as connection:
        assert outbox.changed(connection, "people", [PATCHED, PATCHED], clock.now, "t") == 2
        assert outbox.changed(connection, "nobody", [PATCHED], clock.now) == 0
        assert outbox.changed(connection, "people", [], clock.now) == 0
    found = [json.loads(row.claims) for row in rows(engine)]
    assert [claims["txn"] for claims in found] == ["t", "t"]
    assert len({claims["jti"] for claims in found}) == 2


# --- signatures ---------------------------------------------------------------------------------------------------


def test_a_token_is_a_signed_set_that_another_library_accepts(signer: Signer) -> None:
    header, claims = checked(signer.sign({"iss": "a", "jti": "1"}), signer.published())
    assert (header["typ"], header["alg"], claims) == ("secevent+jwt", "ES256", {"iss": "a", "jti": "1"})
    assert header["kid"] == signer.published()["keys"][0]["kid"]


def test_the_private_key_is_never_published(signer: Signer) -> None:
    assert all("d" not in key for key in signer.published()["keys"])


def test_workers_share_the_key_and_an_old_one_stays_published(engine: Engine, clock: Clock, signer: Signer) -> None:
    old = signer.sign({"jti": "1"})
    other = Signer(engine, clock)
    assert other.published() == signer.published()
    other.rotate()
    new = other.sign({"jti": "2"})
    assert len(signer.published()["keys"]) == 2
    headers = [checked(token, signer.published())[0] for token in (old, new)]
    assert headers[0]["kid"] != headers[1]["kid"]
    clock.advance(days=401)
    assert signer.published() == {"keys": []}


# --- poll ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def poll(engine: Engine, signer: Signer, clock: Clock) -> Callable[..., Any]:
    def asked(**given: Any) -> Any:
        return answer(engine, POLLED, signer, Poll.read({"returnImmediately": True, **given}), clock)

    return asked


def test_events_come_oldest_first_until_they_are_acknowledged(
    poll: Any, tell: Any, engine: Engine, signer: Signer
) -> None:
    tell(3)
    tell(1, "others")
    expected = [row.jti for row in rows(engine)]
    first = poll(maxEvents=2)
    assert (list(first["sets"]), first["moreAvailable"]) == (expected[:2], True)
    assert list(poll(maxEvents=2)["sets"]) == expected[:2], "what was not acknowledged comes again"
    rest = poll(ack=expected[:2])
    assert list(rest["sets"]) == expected[2:3]
    assert "moreAvailable" not in rest
    claims = checked(rest["sets"][expected[2]], signer.published())[1]
    assert claims["jti"] == expected[2]
    assert poll(ack=[expected[2], expected[3], "unknown"], maxEvents=0) == {"sets": {}}
    assert [row.jti for row in rows(engine)] == expected[3:], "another tenant's events are not to be acknowledged"


def test_what_the_receiver_cannot_take_is_put_aside(poll: Any, tell: Any, engine: Engine) -> None:
    tell(2)
    bad, good = (row.jti for row in rows(engine))
    assert list(poll(setErrs={bad: {"err": "invalid_request", "description": "odd"}})["sets"]) == [good]
    assert (rows(engine)[0].error, rows(engine)[0].failed_at is not None) == ("invalid_request: odd", True)


def test_a_request_that_can_wait_waits_for_an_event(engine: Engine, signer: Signer, clock: Clock, tell: Any) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            tell()

    found = answer(engine, POLLED, signer, Poll.read({}), clock, wait=wait)
    assert (len(found["sets"]), len(waits)) == (1, 3)
    with writing(engine) as connection:
        connection.execute(events.delete())
    assert answer(engine, POLLED, signer, Poll.read(None), clock, wait=waits.append) == {"sets": {}}
    assert sum(waits[3:]) == 10


@pytest.mark.parametrize(
    "given",
    [[], {"ack": "x"}, {"ack": [1]}, {"setErrs": []}, {"setErrs": {"a": 1}}, {"maxEvents": -1}, {"maxEvents": True},
     {"maxEvents": "3"}, {"returnImmediately": "no"}],
)  # fmt: skip
def test_what_is_no_poll_request_is_refused(given: Any) -> None:
    with pytest.raises(InvalidPollError):
        Poll.read(given)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: (
            st.lists(one)
            | st.dictionaries(st.sampled_from(["ack", "setErrs", "maxEvents", "returnImmediately", "x"]), one)
        ),
    )
)
def test_any_json_is_a_poll_request_or_refused(given: Any) -> None:
    with contextlib.suppress(InvalidPollError):
        assert Poll.read(given).most <= 100


@pytest.fixture
def client(engine: Engine, clock: Clock, signer: Signer) -> FlaskClient:
    gate = Gate(engine, {"people": Tenant("people"), "pushed": Tenant("pushed")}, clock)
    app = guarded_app(gate)
    pushed = Stream("pushed", "a", "i", push="http://127.0.0.1:1")
    add_event_endpoints(app, gate, {"people": POLLED, "pushed": pushed}, signer)
    return app.test_client()


def headers_of(engine: Engine, clock: Clock, scope: Scope, tenant: str = "people") -> dict[str, str]:
    with writing(engine) as connection:
        secret = tokens.issue_token(connection, Wanted(tenant, scope), clock.now).secret
    return {"Authorization": f"Bearer {secret}"}


def test_polling_by_http_needs_a_token_for_events(client: FlaskClient, engine: Engine, clock: Clock, tell: Any) -> None:
    tell()
    body = {"returnImmediately": True}
    refused = client.post("/scim/v2/people/events/poll", json=body)
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
    reads = headers_of(engine, clock, "read")
    assert client.post("/scim/v2/people/events/poll", json=body, headers=reads).status_code == 403
    allowed = headers_of(engine, clock, "events")
    found = client.post("/scim/v2/people/events/poll", json=body, headers=allowed)
    assert found.status_code == 200
    public = client.get("/scim/v2/people/events/jwks.json")
    assert public.content_type == "application/jwk-set+json"
    ((jti, token),) = found.get_json()["sets"].items()
    header, claims = checked(token, public.get_json())
    assert (header["typ"], claims["jti"], claims["sub_id"]["uri"]) == ("secevent+jwt", jti, "/Users/7")
    assert client.post("/scim/v2/people/events/poll", json={"ack": [jti], **body}, headers=allowed).get_json() == {
        "sets": {}
    }
    wrong = client.post("/scim/v2/people/events/poll", data="{", headers=allowed)
    assert (wrong.status_code, wrong.get_json()["err"]) == (400, "invalid_request")
    assert client.post("/scim/v2/pushed/events/poll", json=body).status_code == 401, "what is pushed is not polled"


# --- push ---------------------------------------------------------------------------------------------------------


class Receiver:
    """A receiver of pushed events that answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.got.append((dict(self.headers), body))
                status, headers, content = receiver.answers.pop(0) if receiver.answers else (202, {}, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/events"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def courier(engine: Engine, signer: Signer, clock: Clock, receiver: Receiver) -> Iterator[Courier]:
    stream = Stream(
        "people", "https://receiver.example.com", ISSUER, receiver.url, lambda: "Bearer abc", timedelta(days=7)
    )
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield Courier(engine, {"people": stream}, signer, client, clock)


def error(status: int, code: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    content = json.dumps({"err": code, "description": "no"}).encode() if code else b"<html>"
    return status, {"Content-Type": "application/json", **headers}, content


def test_events_are_pushed_in_their_order_and_gone_when_they_arrived(
    courier: Courier, receiver: Receiver, tell: Any, engine: Engine, signer: Signer
) -> None:
    tell(3)
    expected = [row.jti for row in rows(engine)]
    found = courier.deliver()["people"]
    assert (found.arrived, found.refused, found.stopped) == (3, 0, "")
    assert rows(engine) == []
    headers, _ = receiver.got[0]
    assert (headers["Content-Type"], headers["Accept"], headers["Authorization"]) == (
        "application/secevent+jwt",
        "application/json",
        "Bearer abc",
    )
    assert [checked(body, signer.published())[1]["jti"] for _, body in receiver.got] == expected
    assert courier.deliver()["people"].arrived == 0


def test_a_receiver_that_does_not_take_them_is_tried_again_later_each_time(
    courier: Courier, receiver: Receiver, tell: Any, clock: Clock, signer: Signer
) -> None:
    tell(2)
    receiver.answers = [error(500), error(503), error(400, "authentication_failed")]
    assert courier.deliver()["people"].stopped == "answered 500"
    assert courier.deliver()["people"].stopped == "the oldest event waits for its next try"
    assert len(receiver.got) == 1
    for seconds, stopped in ((5, "answered 503"), (10, "answered 400 authentication_failed: no")):
        clock.advance(seconds=seconds - 1)
        courier.deliver()
        clock.advance(seconds=1.1)
        assert courier.deliver()["people"].stopped == stopped
    clock.advance(seconds=21)
    assert courier.deliver()["people"].arrived == 2
    jtis = [checked(body, signer.published())[1]["jti"] for _, body in receiver.got]
    assert jtis[0] == jtis[1] == jtis[2] == jtis[3] != jtis[4]


def test_retry_after_is_kept(courier: Courier, receiver: Receiver, tell: Any, clock: Clock) -> None:
    tell()
    receiver.answers = [error(429, **{"Retry-After": "120"})]
    courier.deliver()
    clock.advance(seconds=115)
    assert courier.deliver()["people"].arrived == 0
    clock.advance(seconds=6)
    assert courier.deliver()["people"].arrived == 1


def test_an_event_that_the_receiver_calls_invalid_is_put_aside_and_the_others_go_on(
    courier: Courier, receiver: Receiver, tell: Any, engine: Engine
) -> None:
    tell(2)
    receiver.answers = [error(400, "invalid_request")]
    found = courier.deliver()["people"]
    assert (found.arrived, found.refused) == (1, 1)
    (left,) = rows(engine)
    assert (left.error, left.failed_at is not None) == ("answered 400 invalid_request: no", True)


def test_a_receiver_that_is_not_there_loses_nothing(
    engine: Engine, signer: Signer, clock: Clock, tell: Any, receiver: Receiver
) -> None:
    tell()
    nowhere = Stream("people", "a", "i", "http://127.0.0.1:1/events")
    with httpx.Client(timeout=5, trust_env=False) as client:
        assert "ConnectError" in Courier(engine, {"people": nowhere}, signer, client, clock).deliver()["people"].stopped
        clock.advance(seconds=6)
        there = Stream("people", "a", "i", receiver.url)
        assert Courier(engine, {"people": there}, signer, client, clock).deliver()["people"].arrived == 1


def test_a_worker_that_was_killed_while_it_sent_leaves_the_event_to_others(
    engine: Engine, courier: Courier, clock: Clock, tell: Any, receiver: Receiver
) -> None:
    tell()
    assert courier._claimed(courier._streams["people"]) is not None
    assert courier.deliver()["people"].arrived == 0
    clock.advance(minutes=2, seconds=1)
    assert courier.deliver()["people"].arrived == 1


def test_of_two_workers_one_sends(engine: Engine, clock: Clock, tell: Any) -> None:
    tell()
    with writing(engine) as connection:
        (one,) = queue.waiting(connection, "people", 5)
        later = clock.now + timedelta(minutes=2)
        assert [queue.claim(connection, one, later) for _ in range(2)] == [True, False]


def test_a_secret_that_cannot_be_read_stops_only_its_own_stream(
    engine: Engine, signer: Signer, clock: Clock, tell: Any, receiver: Receiver
) -> None:
    def unreadable() -> str:
        raise OSError("no such file")

    tell()
    tell(1, "others")
    streams = {
        "people": Stream("people", "a", "i", receiver.url, unreadable),
        "others": Stream("others", "a", "i", receiver.url),
    }
    with httpx.Client(timeout=5, trust_env=False) as client:
        found = Courier(engine, streams, signer, client, clock).deliver()
    assert (found["people"].stopped, found["others"].arrived) == ("OSError: no such file", 1)


def test_what_nobody_took_for_too_long_goes(
    courier: Courier, receiver: Receiver, tell: Any, engine: Engine, clock: Clock
) -> None:
    tell()
    clock.advance(days=7, seconds=1)
    assert courier.deliver()["people"].arrived == 0
    assert rows(engine) == []


def test_it_delivers_until_it_is_told_to_stop(courier: Courier, receiver: Receiver, tell: Any) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=courier.run, args=(stop, 0.01))
    thread.start()
    tell(2)
    for _ in range(1000):
        if len(receiver.got) == 2:
            break
        stop.wait(0.01)
    stop.set()
    thread.join()
    assert len(receiver.got) == 2
