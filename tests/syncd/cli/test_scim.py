"""token create, list, revoke; scim doctor against a server that is really there."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from scim.access.gate import Gate
from scim.dialects import DIALECTS, Dialect
from syncd.config import Config, load_config
from syncd.config_scim_push import DialectName, ScimPushSourceConfig
from syncd.errors import Exit
from syncd.store.audit import stream, verify
from syncd.store.engine import open_engine, reading
from tests.house import Call, House
from tests.scim.small_provider import guarded_app

CONFIG = """
version: 1
store: sqlite:///syncd.db
sources:
  - {name: okta, type: scim_push, dialect: okta, log: none, rate_limit: null}
  - {name: entra, type: scim_push, dialect: entra}
"""


@pytest.fixture
def config(house: House) -> Path:
    house.config.write_text(CONFIG)
    return house.config


def push(config: Path, name: str) -> ScimPushSourceConfig:
    found = next(source for source in load_config(config).sources if source.name == name)
    assert isinstance(found, ScimPushSourceConfig)
    return found


@pytest.fixture
def server(call: Call, config: Path) -> Iterator[Any]:
    """A provider of the same store, at an address of its own; how to start it."""
    running: list[Any] = []
    call("token", "list")  # makes the store
    engine = open_engine(load_config(config).store_url)

    def start(**dialects: Dialect) -> str:
        tenants = {}
        for source in load_config(config).sources:
            assert isinstance(source, ScimPushSourceConfig)
            tenants[source.name] = source.tenant
            if source.name in dialects:
                tenants[source.name] = type(source.tenant)(source.name, dialects[source.name])
        gate = Gate(engine, tenants, lambda: datetime.now(UTC))
        made = make_server("127.0.0.1", 0, guarded_app(gate), threaded=True)
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        running.append((made, thread, gate))
        return f"http://127.0.0.1:{made.server_port}"

    start.flush = lambda: [gate.close() for _, _, gate in running]  # type: ignore[attr-defined]
    yield start
    for made, thread, gate in running:
        made.shutdown()
        thread.join()
        made.server_close()
        gate.close()
    engine.dispose()


def test_a_token_is_shown_once_and_listed_without_its_secret(call: Call, config: Path) -> None:
    made = call(
        "token", "create", "--tenant", "okta", "--scope", "read", "--label", "the new one", "--expires", "30", "--json"
    )
    assert made.code == Exit.DONE
    assert re.fullmatch(r"fxs_[\w-]{43}", made.json["token"])
    (listed,) = call("token", "list", "--json").json
    assert listed == {key: value for key, value in made.json.items() if key != "token"}
    assert (listed["tenant"], listed["scope"], listed["label"], listed["state"]) == (
        "okta",
        "read",
        "the new one",
        "valid",
    )
    lasts = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["created_at"])
    assert lasts.days == 30
    assert made.json["token"] not in call("token", "list").out
    assert call("token", "list", "--tenant", "entra").out.startswith("there is no token")


def test_a_client_has_an_id_and_a_secret(call: Call, config: Path) -> None:
    made = call("token", "create", "--tenant", "okta", "--client", "--json").json
    assert made["client_id"] == made["prefix"]
    assert made["client_secret"].startswith("fxk_")
    assert "client_secret: fxk_" in call("token", "create", "--tenant", "okta", "--client").out


def test_what_is_done_with_tokens_is_in_the_audit_without_them(call: Call, config: Path) -> None:
    token = call("token", "create", "--tenant", "okta", "--json").json["token"]
    assert call("token", "revoke", "1").code == Exit.DONE
    assert call("token", "revoke", "1", "--json").json["state"] == "revoked"
    engine = open_engine(load_config(config).store_url)
    with reading(engine) as connection:
        rows = list(stream(connection))
    assert [(row["action"], row["subject"]) for row in rows][-3:] == [
        ("token create", "token 1"),
        ("token revoke", "token 1"),
        ("token revoke", "token 1"),
    ]
    assert token not in str(rows)
    assert verify(engine) == (3, None)
    engine.dispose()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["token", "create", "--tenant", "nobody"], "there are: okta, entra"),
        (["token", "revoke", "7"], "there is no token 7"),
        (["scim", "doctor", "--tenant", "okta", "--url", "x", "--yes"], "is no address"),
        (["scim", "doctor", "--tenant", "okta", "--url", "http://127.0.0.1:1", "--yes"], "SYNCD_SCIM_TOKEN is not set"),
    ],
)
def test_wrong_calls_are_told_with_a_cure(call: Call, config: Path, words: list[str], told: str) -> None:
    ran = call(*words)
    assert ran.code == Exit.USAGE
    assert told in ran.err


def test_a_tenant_is_a_source_that_is_pushed(call: Call, house: House) -> None:
    ran = call("token", "create", "--tenant", "people")
    assert ran.code == Exit.USAGE
    assert "type: scim_push" in ran.err


def test_the_doctor_finds_a_server_well(call: Call, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server()
    for tenant in ("okta", "entra"):
        monkeypatch.setenv("SYNCD_SCIM_TOKEN", call("token", "create", "--tenant", tenant, "--json").json["token"])
        ran = call("scim", "doctor", "--tenant", tenant, "--url", url, "--yes", "--json")
        assert (ran.code, ran.json["failed"], ran.json["dialect"]) == (Exit.DONE, 0, tenant)
        assert {one["dialect"] for one in ran.json["conversations"]} == {"generic", tenant}
        assert (
            call("scim", "doctor", "--tenant", tenant, "--url", f"{url}/scim/v2/{tenant}/", "--yes").code == Exit.DONE
        )


def test_the_doctor_says_what_fails(call: Call, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server(entra=DIALECTS["generic"])
    monkeypatch.setenv("SYNCD_SCIM_TOKEN", call("token", "create", "--tenant", "entra", "--json").json["token"])
    ran = call("scim", "doctor", "--tenant", "entra", "--url", url, "--yes")
    assert ran.code == Exit.FAILED
    assert "gives the manager as a bare id: answered 400 instead of 200" in ran.out
    assert "(PATCH /Users/${user})" in ran.out


def test_what_was_called_can_be_seen(call: Call, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("scim", "calls").out == "there was no such call\n"
    url = server()
    made = call("token", "create", "--tenant", "entra", "--json").json
    monkeypatch.setenv("SYNCD_SCIM_TOKEN", made["token"])
    call("scim", "doctor", "--tenant", "entra", "--url", url, "--yes")
    monkeypatch.setenv("SYNCD_SCIM_TOKEN", "wrong")
    call("scim", "doctor", "--tenant", "okta", "--url", url, "--yes")
    server.flush()
    seen = call("scim", "calls", "--limit", "1000", "--json").json
    assert made["token"] not in str(seen)
    assert {row["prefix"] for row in seen} == {made["prefix"], None}
    assert seen[0]["notes"] == "no such token (Bearer)"
    assert [row["status"] for row in call("scim", "calls", "--failed", "--tenant", "okta", "--json").json] == [401]
    assert "401 GET /ServiceProviderConfig okta 127.0.0.1" in call("scim", "calls", "--failed").out
    assert "manager as an object" in call("scim", "calls", "--limit", "100").out


def test_the_doctor_can_only_look(call: Call, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server()
    made = call("token", "create", "--tenant", "okta", "--scope", "read", "--json").json
    monkeypatch.setenv("SYNCD_SCIM_TOKEN", made["token"])
    ran = call("scim", "doctor", "--tenant", "okta", "--url", url, "--read-only", "--json")
    assert ran.code == Exit.DONE
    assert {step["method"] for one in ran.json["conversations"] for step in one["steps"]} == {"GET"}


def test_the_doctor_asks_before_it_makes_people(call: Call, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_SCIM_TOKEN", "x")
    ran = call("scim", "doctor", "--tenant", "okta", "--url", "http://127.0.0.1:1")
    assert ran.code == Exit.USAGE
    assert "--read-only" in ran.err


def test_no_server_and_no_valid_token_are_told(call: Call, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_SCIM_TOKEN", "wrong")
    ran = call("scim", "doctor", "--tenant", "okta", "--url", server(), "--yes", "--json")
    assert (ran.code, ran.json["error"]["what"]) == (Exit.FAILED, "the token is not valid there")
    ran = call("scim", "doctor", "--tenant", "okta", "--url", "http://127.0.0.1:1", "--yes")
    assert ran.code == Exit.FAILED
    assert "cannot be reached" in ran.err


def test_a_tenant_to_whom_nobody_pushed_yet_is_a_source_without_people(call: Call, config: Path) -> None:
    ran = call("plan", "--json")
    assert (ran.code, ran.json["sources"][0]["certified"], ran.json["changes"]) == (Exit.DONE, True, [])


# --- the configuration --------------------------------------------------------------------------------------------


def test_the_dialects_of_the_configuration_are_those_that_there_are() -> None:
    assert set(DialectName.__args__) == set(DIALECTS)


def test_a_source_becomes_a_tenant(config: Path) -> None:
    okta, entra = push(config, "okta").tenant, push(config, "entra").tenant
    assert (okta.name, okta.dialect.name, okta.rate, okta.log.value) == ("okta", "okta", None, "none")
    assert (entra.rate, entra.burst, entra.log.value, entra.log_for.days) == (1000, 10_000, "keys", 30)
    assert push(config, "okta").stream is None


def test_events_have_a_receiver_with_tls(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    source: dict[str, Any] = {"name": "okta", "type": "scim_push"}

    def load(**events: Any) -> Config:
        house.config.write_text(json.dumps({"version": 1, "sources": [{**source, "events": events}]}))
        return load_config(house.config)

    monkeypatch.setenv("AUTH", "Bearer abc")
    loaded = load(audience="us", push="https://r.example.com/e", authorization={"env": "AUTH"}, keep_days=2)
    found = loaded.sources[0]
    assert isinstance(found, ScimPushSourceConfig)
    assert found.stream is not None
    assert found.stream.authorization is not None
    assert (found.stream.issuer, found.stream.authorization(), found.stream.keep.days) == (
        "/scim/v2/okta",
        "Bearer abc",
        2,
    )
    assert loaded.secret_problems() == []
    monkeypatch.delenv("AUTH")
    assert loaded.secret_problems() == [
        "sources[0].events.authorization: the environment variable AUTH is not set: set it where syncd is started"
    ]
    assert load(audience="us", push="http://127.0.0.1:8/e").sources
    for wrong in ("http://r.example.com/e", "r.example.com", "https://a:b@r.example.com", "https://r:x"):
        with pytest.raises(Exception, match="address"):
            load(audience="us", push=wrong)
