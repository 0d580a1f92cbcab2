"""Calls to a product end in time, keep to one host, and tell no secret."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from mdm.errors import MdmError
from mdm.push.base import ChangedError, LostError, PushError
from mdm.push.http import Http, require_safe
from mdm.push.oauth import Bearer, ClientCredentials
from tests.mdm.push.server import HALF, Asked, Reply, StandIn, as_json, cut, fails


class Plain(StandIn):
    """Says yes to everything."""

    def answer(self, asked: Asked) -> Reply:
        return as_json({"method": asked.method})


@pytest.fixture
def server():
    with Plain() as server:
        yield server


@pytest.fixture
def client(server):
    client = Http(server.url, Bearer(lambda: "s3cret"), sleep=[].append)
    yield client
    client.close()


@pytest.mark.parametrize(
    "address",
    [
        "http://mdm.example.com",
        "http://localhost",
        "ftp://a",
        "https://",
        "x",
        "https://u:p@a.example",
        "https://a.example/?key=1",
        "https://a.example/#x",
        "",
    ],
)
def test_a_key_goes_to_no_such_address(address):
    with pytest.raises(MdmError) as caught:
        require_safe(address)
    assert "u:p" not in str(caught.value.what)


def test_a_redirect_is_not_followed(server, client):
    with Plain() as elsewhere:
        server.faults.append(fails(302, Location=elsewhere.url))
        with pytest.raises(PushError, match="redirect"):
            client.call("GET", "/a")
        assert elsewhere.asked == []


@pytest.mark.parametrize("fault", [cut(), cut(sent=HALF), cut(sent=b"HTTP/1.1 200 OK\r\nContent-Le")])
def test_an_answer_that_is_lost_is_asked_for_again_only_where_twice_is_once(server, client, fault):
    server.faults.append(fault)
    with pytest.raises(LostError):
        client.call("POST", "/a")
    assert len(server.asked) == 1
    server.faults.append(fault)
    assert client.call("PUT", "/a", repeatable=True).status == 200
    assert len(server.asked) == 3


def test_a_date_says_how_long_to_wait(server):
    slept = []
    client = Http(server.url, sleep=slept.append, clock=lambda: datetime(2026, 11, 2, 8, 0, tzinfo=UTC))
    server.faults.append(fails(429, Retry_After="Mon, 02 Nov 2026 08:00:07 GMT"))
    assert client.call("POST", "/a").status == 200
    client.close()
    assert slept == [7.0]


def test_time_is_up_for_a_server_that_says_nothing():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = Http(address, timeout=timedelta(seconds=0.2), tries=1)
        with pytest.raises(LostError, match="in time"):
            client.call("GET", "/a")
        client.close()


def test_nobody_there_is_told(server):
    client = Http("http://127.0.0.1:9", tries=1)
    with pytest.raises(PushError, match="no connection"):
        client.call("GET", "/a")
    client.close()


@pytest.mark.parametrize("status", [409, 412])
def test_a_change_of_others_is_an_error_of_its_own(server, client, status):
    server.faults.append(fails(status))
    with pytest.raises(ChangedError):
        client.call("PUT", "/a")


def test_no_log_and_no_error_tells_a_secret(server, client, caplog):
    caplog.set_level(logging.DEBUG)
    server.faults.append(fails(500))
    with pytest.raises(PushError) as caught:
        client.call("POST", "/secret-path", body=b"anna@example.com")
    told = caplog.text + repr(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    for secret in ("s3cret", "secret-path", "anna@"):
        assert secret not in told


@pytest.mark.parametrize("document", [{}, [], {"access_token": ""}, {"access_token": "a\nb"}, {"access_token": 1}])
def test_an_answer_without_a_token_is_none(server, document):
    server.answer = lambda _: as_json(document)
    auth = ClientCredentials(server.url, "id", lambda: "s3cret")
    client = Http(server.url, auth)
    with pytest.raises(PushError, match="without a token"):
        client.call("GET", "/a")
    client.close()
    assert "s3cret" not in repr(auth)


def test_a_body_without_end_is_not_read(server, client, monkeypatch):
    monkeypatch.setattr("mdm.push.http.LIMIT", 1000)
    server.faults.append(lambda _: Reply(200, b"x" * 5000))
    with pytest.raises(PushError, match="more than"):
        client.call("GET", "/a")
