"""What the API's description says is what the API does: schemathesis asks everything that it describes, well and badly."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from syncd.web import pages
from syncd.web.frame import Entry
from syncd.web.openapi import description
from tests.house import House, staff
from tests.web_house import console_of

_PART = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    house = House(tmp_path_factory.mktemp("described"))
    house.hire(staff(12))
    house.syncd("run")
    house.hire(staff(11))
    house.syncd("plan")
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", console_of(house).web)


@pytest.mark.parametrize("entry", pages.ALL, ids=lambda entry: entry.name)
def test_it_does_what_it_says(described: Any, entry: Entry) -> None:
    path, method = _PART.sub(r"{\1}", entry.path), "GET" if entry.kind == "page" else "POST"

    @given(case=described[path][method].as_strategy())
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        answer = case.call(headers={"Authorization": "Bearer good"})
        case.validate_response(answer, checks=CHECKS)

    ask()


def test_nothing_is_referred_to_that_is_not_there() -> None:
    told = description(pages.ALL, "/api/v1")
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(told)))
    assert names - told["components"]["schemas"].keys() == set()
