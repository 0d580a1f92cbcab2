"""Every recorded conversation goes as its provider expects, and the runner sees when one does not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from scim.conversation import Conversation, Reply, conversations, play, through_flask
from scim.dialects import DIALECTS, Dialect
from scim.dialects.table import STRICT
from tests.scim.small_provider import small_app

EVERY = [conversation for name in DIALECTS for conversation in conversations(name)]
_runs = itertools.count()


def problems(conversation: Conversation, dialect: Dialect) -> list[str]:
    send = through_flask(small_app(dialect).test_client(), "/scim/v2/people", {})
    return [
        f"{heard.step.does}: {problem}"
        for heard in play(conversation, send, f"r{next(_runs)}")
        for problem in heard.problems
    ]


@pytest.mark.parametrize("conversation", EVERY, ids=lambda one: f"{one.dialect}-{one.name}")
def test_a_conversation_goes_as_its_provider_expects(conversation: Conversation) -> None:
    assert problems(conversation, DIALECTS[conversation.dialect]) == []


def test_every_dialect_has_a_conversation() -> None:
    assert {conversation.dialect for conversation in EVERY} == set(DIALECTS)


@pytest.mark.parametrize("name", ["entra-2-user", "entra-4-group", "onelogin-1-user", "jumpcloud-1-activation"])
def test_without_its_dialect_a_conversation_fails(name: str) -> None:
    """So each of these dialects is needed, and the runner sees what goes wrong."""
    conversation = next(one for one in EVERY if f"{one.dialect}-{one.name}" == name)
    assert problems(conversation, Dialect("none", (), policy=STRICT))


def one_step(expect: Mapping[str, Any], **more: Any) -> Conversation:
    from scim.conversation import _step

    step = {"does": "x", "send": {"method": "GET", "path": "/Users/${run}"}, "expect": expect, **more}
    return Conversation("generic", "x", "x", "x", (_step(step),), ())


@pytest.mark.parametrize(
    ("expected", "given", "told"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, ""),
        ({"a": True}, {"a": 1}, "a is 1 instead of true"),
        ({"a": []}, {}, ""),
        ({"a": []}, {"a": [1]}, "a is [1] instead of empty"),
        ({"a": None}, {"a": 3}, "a is 3 instead of null"),
        ({"a": [{"v": 2}]}, {"a": [{"v": 1}, {"v": 2, "w": 3}]}, ""),
        ({"a": [{"v": 2}]}, {"a": [{"v": 1}]}, 'a has no {"v": 2}, but [{"v": 1}]'),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, 'a.b is "y" instead of "x"'),
        ({"a": "hello r"}, None, "the body is null instead of an object"),
    ],
)
def test_what_is_expected_is_a_part_of_what_comes(expected: Any, given: Any, told: str) -> None:
    conversation = one_step({"status": 200, "body": expected})
    (heard,) = play(conversation, lambda *_: Reply(200, {}, given), "r")
    assert "; ".join(heard.problems) == told


def test_a_wrong_status_is_told_with_the_servers_reason() -> None:
    conversation = one_step({"status": [200, 204]})
    (heard,) = play(conversation, lambda *_: Reply(400, {}, {"detail": "no such thing"}), "r")
    assert heard.problems == ("answered 400 instead of 200 or 204: no such thing",)


def test_what_an_earlier_step_did_not_give_is_not_sent() -> None:
    conversation = one_step({"status": 200}, send={"method": "GET", "path": "/Users/${user}"})
    (heard,) = play(conversation, lambda *_: pytest.fail("was sent"), "r")
    assert heard.status is None
    assert heard.problems == ("not sent: an earlier step did not give user",)


def test_what_must_not_be_shown_and_what_must_be_kept_is_looked_for() -> None:
    conversation = one_step({"status": 200, "without": ["password"]}, keep={"user": "id"})
    (heard,) = play(conversation, lambda *_: Reply(200, {}, {"password": "x"}), "r")
    assert heard.problems == ("the answer shows password", "the answer has no id")
