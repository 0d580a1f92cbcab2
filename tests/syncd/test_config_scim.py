"""`type: scim`: what is needed, and that each problem is named with its key and a cure."""

from __future__ import annotations

import pytest

from connectors.scim.settings import Basic, Bearer, ClientCredentials
from syncd.bootstrap import open_app
from syncd.config import ConfigError, load_config

SOURCE = "version: 1\nsources:\n  - name: cloud\n    type: scim\n    url: https://id.example.com/scim/v2/\n"
TARGET = SOURCE + "target:\n  type: scim\n  url: https://fluix.example.com/scim\n"


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path / "config.yaml")

    return loaded


def problems(load, text):
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [(problem.key, problem.message) for problem in caught.value.problems]


def test_an_address_is_enough(load):
    config = load(TARGET)
    assert config.sources[0].settings.access.url == "https://id.example.com/scim/v2"
    assert config.target.settings.access.auth is None


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        ("token: {env: X}", Bearer),
        ("user: us\n      password: {env: X}", Basic),
        (
            "token_url: https://id.example.com/token\n      client_id: us\n      client_secret: {env: X}\n      send: body",
            ClientCredentials,
        ),
    ],
)
def test_we_prove_who_we_are_in_one_of_three_ways(load, monkeypatch, auth, kind):
    monkeypatch.delenv("X", raising=False)
    config = load(SOURCE + f"    auth:\n      {auth}\n")
    assert isinstance(config.sources[0].settings.access.auth, kind)
    (told,) = config.secret_problems()
    assert told.startswith("sources[0].auth.")
    monkeypatch.setenv("X", "x")
    assert config.secret_problems() == []


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ("auth: {}", "auth", "give one of these"),
        ("auth: {user: us}", "auth", "give one of these"),
        ("auth: {token: {env: X}, user: us, password: {env: Y}}", "auth", "give one of these"),
        ("auth: {token: {env: X}, scope: s}", "auth", "are for `token_url`"),
        ("auth: {token: secret}", "auth.token", "does not stand in the configuration"),
        ("attributes: {active: x}", "attributes.active", "its own rules"),
        ("attributes: {phone: 'a b'}", "attributes.phone", "no path"),
        ("page_size: 0", "page_size", "1"),
    ],
)
def test_a_problem_is_named_with_its_key(load, lines, key, message):
    ((at, told),) = problems(load, SOURCE + f"    {lines}\n")
    assert at == f"sources[0].{key}"
    assert message in told


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://id.example.com/scim", "not encrypted"),
        ("https://us:secret@id.example.com/scim", "a user and a password"),
        ("https://id.example.com/scim/Users", "is a list"),
        ("https://id.example.com/scim?token=secret", "more than an address"),
        ("id.example.com", "the address is none"),
    ],
)
def test_an_address_that_cannot_work_is_refused_without_its_secrets(load, url, message):
    ((at, told),) = problems(load, TARGET.replace("https://fluix.example.com/scim", url))
    assert at == "target.url"
    assert message in told
    assert "us:secret" not in told


def test_how_often_everything_is_read_is_the_engines_to_know(load):
    app = open_app(load(TARGET + "store: 'sqlite:///x.db'\n"))
    try:
        assert app.sync().full_every["cloud"].total_seconds() == 86400
        assert app.target().capabilities.knows_dossier is False
    finally:
        app.store.dispose()
