"""The incoming webhook, against a server of our own that keeps Fluix's rules."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connectors.errors import ConnectorError, PermanentError, RefusedError, RetryableError
from connectors.fluix.webhook import PROHIBITED, UnclearError, Webhook
from connectors.http import WaitError

PATH = "/incoming-webhooks/start-event/3f0c9a52-secret"
FIELDS = {"work-order": "w3", "items": "12"}


class Fluix(ThreadingHTTPServer):
    """What is known of the real one: a flat JSON object of texts, at most 50 calls a minute, and its names' rules."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.started: list[dict[str, str]] = []
        self.calls = 0
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.hang = threading.Event()
        self.hanging = False
        self.now = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
        self.times: list[datetime] = []
        self.limit = 50

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{PATH}"


class Handler(BaseHTTPRequestHandler):
    server: Fluix

    def do_POST(self) -> None:
        fluix = self.server
        fluix.calls += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if fluix.hanging:
            fluix.hang.wait(10)
            return
        status, headers = fluix.answers.pop(0) if fluix.answers else self.judge(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def judge(self, body: bytes) -> tuple[int, dict[str, str]]:
        fluix = self.server
        fluix.times = [at for at in fluix.times if at > fluix.now - timedelta(minutes=1)] + [fluix.now]
        if len(fluix.times) > fluix.limit:
            return 429, {"Retry-After": "7"}
        if self.path != PATH or self.headers["Content-Type"] != "application/json; charset=utf-8":
            return 404, {}
        document = json.loads(body)
        good = isinstance(document, dict) and all(
            isinstance(value, str) and len(name) <= 128 and not set(PROHIBITED) & set(name)
            for name, value in document.items()
        )
        if good:
            fluix.started.append(document)
        return (200 if good else 400), {}

    def log_message(self, *_args: object) -> None:
        pass


class Calls:
    """When the webhook was called."""

    def __init__(self) -> None:
        self.times: list[datetime] = []

    def calls_since(self, moment: datetime) -> list[datetime]:
        return [at for at in self.times if at > moment]

    def called(self, now: datetime) -> None:
        self.times.append(now)


@pytest.fixture
def fluix() -> Iterator[Fluix]:
    server = Fluix()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.hang.set()
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def hook(fluix, naps) -> Webhook:
    return webhook(fluix, naps)


def webhook(fluix, naps, calls=None, address=None, seconds=5.0) -> Webhook:
    def sleep(duration: float) -> None:
        naps.append(duration)
        fluix.now += timedelta(seconds=duration)

    return Webhook(
        lambda: address or fluix.address,
        calls or Calls(),
        timeout=timedelta(seconds=seconds),
        sleep=sleep,
        clock=lambda: fluix.now,
    )


def test_it_posts_a_flat_json_object_of_texts(fluix, hook):
    hook.start({"work-order": "w3", "team": "Zoë's"})
    assert fluix.started == [{"work-order": "w3", "team": "Zoë's"}]
    assert fluix.calls == 1


@pytest.mark.parametrize("sign", PROHIBITED)
def test_prohibited_symbols_are_refused_before_sending_with_the_field_named(fluix, hook, sign):
    for fields, what in (({f"a{sign}b": "x"}, "name"), ({"ok": "fine", "items": f"1{sign}2"}, "text")):
        with pytest.raises(PermanentError) as caught:
            hook.start(fields)
        assert what in caught.value.what
        assert f"holds the prohibited symbol {sign}" in caught.value.what
        assert ('"items"' if what == "text" else "a") in caught.value.what
    assert fluix.calls == 0


def test_a_field_name_has_at_most_128_characters(fluix, hook):
    hook.start({"n" * 128: "x"})
    with pytest.raises(PermanentError, match="has 129 characters, over 128"):
        hook.start({"n" * 129: "x"})
    with pytest.raises(PermanentError, match="is empty"):
        hook.start({"": "x"})
    assert fluix.calls == 1


def test_there_are_at_most_50_calls_in_any_minute(fluix, naps):
    hook = webhook(fluix, naps, Calls())
    for _ in range(120):
        hook.start(FIELDS)
    assert len(fluix.started) == fluix.calls == 120
    assert sum(naps) == pytest.approx(120, abs=1)


def test_calls_of_an_earlier_process_count(fluix, naps):
    calls = Calls()
    calls.times = [fluix.now] * 50
    webhook(fluix, naps, calls).start(FIELDS)
    assert naps == [pytest.approx(60, abs=0.1)]


def test_after_429_it_waits_as_long_as_it_is_asked_to(fluix, hook, naps):
    fluix.answers = [(429, {"Retry-After": "7"}), (429, {"Retry-After": "Mon, 02 Nov 2026 08:00:20 GMT"})]
    hook.start(FIELDS)
    assert naps == [7.0, 13.0]
    assert len(fluix.started) == 1


def test_after_429_without_an_end_it_is_left_for_later(fluix, hook, naps):
    fluix.answers = [(429, {"Retry-After": "1"})] * 3
    with pytest.raises(WaitError):
        hook.start(FIELDS)
    assert fluix.calls == 3
    fluix.answers = [(429, {"Retry-After": "3600"})]
    with pytest.raises(RetryableError, match="3600 seconds"):
        hook.start(FIELDS)
    assert fluix.calls == 4
    assert fluix.started == []


def test_a_server_that_hangs_is_given_up_and_not_called_again(fluix, naps):
    fluix.hanging = True
    began = time.monotonic()
    with pytest.raises(UnclearError, match=r"did not answer within 0\.2 seconds"):
        webhook(fluix, naps, seconds=0.2).start(FIELDS)
    assert time.monotonic() - began < 5
    assert fluix.calls == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_after_a_server_error_it_may_have_started_and_is_not_called_again(fluix, hook, status):
    fluix.answers = [(status, {"Retry-After": "1"})]
    with pytest.raises(UnclearError, match=f"answered {status}"):
        hook.start(FIELDS)
    assert fluix.calls == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_a_refusal(fluix, hook, status):
    fluix.answers = [(status, {})]
    with pytest.raises(RefusedError, match=f"answered {status}"):
        hook.start(FIELDS)
    assert fluix.calls == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(fluix, hook, status):
    fluix.answers = [(status, {"Location": fluix.address})]
    with pytest.raises(PermanentError, match="a redirect, which is not followed"):
        hook.start(FIELDS)
    assert fluix.calls == 1
    assert fluix.started == []


def test_nobody_there_is_tried_again_later(fluix, naps):
    with pytest.raises(RetryableError, match="no connection"):
        webhook(fluix, naps, address=f"http://127.0.0.1:1{PATH}").start(FIELDS)


@pytest.mark.parametrize(
    "address",
    [
        f"http://admin.fluix.example{PATH}",
        f"http://localhost{PATH}",
        f"ftp://127.0.0.1{PATH}",
        f"https://user:pass@admin.fluix.example{PATH}",
        PATH,
        "http://[",
        "",
    ],
)
def test_the_way_is_encrypted_but_to_this_machine(fluix, naps, address):
    with pytest.raises(PermanentError) as caught:
        webhook(fluix, naps, address=address or " ").start(FIELDS)
    assert "secret" not in caught.value.what + caught.value.where
    assert fluix.calls == 0


def test_the_address_is_in_no_error_and_no_log(fluix, naps, caplog):
    caplog.set_level(logging.DEBUG)
    for prepare in (
        lambda: None,
        lambda: fluix.answers.append((500, {})),
        lambda: fluix.answers.append((404, {})),
        lambda: fluix.answers.append((302, {"Location": fluix.address})),
        lambda: setattr(fluix, "hanging", True),
    ):
        prepare()
        try:
            webhook(fluix, naps, seconds=0.2).start(FIELDS)
        except ConnectorError as error:
            told, seen = "", error
            while seen is not None:
                told += f"{seen!r} {getattr(seen, '__dict__', '')}"
                seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
            assert "secret" not in told
    with pytest.raises(RetryableError) as caught:
        webhook(fluix, naps, address=f"http://127.0.0.1:1{PATH}").start(FIELDS)
    assert "secret" not in f"{caught.value!r}{caught.value.__cause__}"
    assert "HTTP Request: POST http://127.0.0.1/…" in caplog.text
    assert "secret" not in caplog.text
