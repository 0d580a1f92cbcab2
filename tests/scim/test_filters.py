"""Filters and orders in SQL find what scim2's own evaluator finds, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import SearchRequest
from sqlalchemy import Engine

from scim.connections import Store
from scim.limits import Limits
from scim.provider import build_provider
from scim.service import TenantService
from scim.storage import SqlStorage
from scim.tenant import Tenant
from tests.depth import examples
from tests.scim_house import BOTH
from tests.scim_people import filters, people, sorts

PHASES = [Phase.explicit, Phase.generate, Phase.shrink]
PROVIDER = build_provider()
[USERS, GROUPS] = PROVIDER.resource_types
MODEL: Any = PROVIDER.model_for(USERS)
SERVICE = TenantService(PROVIDER, Tenant("x"), secret="s", limits=Limits())


class Filled:
    """A store, and who is in it."""

    def __init__(self, storage: SqlStorage, there: list[Any]) -> None:
        self.storage, self.there = storage, there


_filled: dict[str, Filled] = {}


@pytest.fixture
def filled(engine: Engine) -> Filled:
    """A store with the same random people for all examples, made once for each database."""
    name = engine.dialect.name
    if name not in _filled:
        storage = SqlStorage(Store.of(engine), Tenant(f"filters-{name}"), PROVIDER)
        examples: list[Any] = []

        @settings(max_examples=60, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(people)
        def collect(person: dict[str, Any]) -> None:
            examples.append(person)

        collect()
        made = [
            storage.create(USERS, MODEL.model_validate(one | {"userName": f"U{n}"})) for n, one in enumerate(examples)
        ]
        group: Any = PROVIDER.model_for(GROUPS)
        for called, step in {"Anna": 5, "bob": 3}.items():
            members = [{"value": one.id} for one in made[::step]]
            storage.create(GROUPS, group.model_validate({"displayName": called, "members": members}))
        _filled[name] = Filled(storage, storage.search([USERS], SearchRequest[MODEL]()).resources)
    return _filled[name]


def asked(**how: Any) -> Any:
    """A search, or the next example where scim2 refuses this one: an address that is none."""
    with PROVIDER:
        try:
            return SearchRequest[MODEL](**how)
        except ValidationError:
            reject()


@pytest.mark.parametrize("engine", BOTH, indirect=True)
@settings(
    max_examples=examples(50, 150),
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=filters)
def test_a_filter_finds_what_the_evaluator_finds(filled: Filled, said: str) -> None:
    storage, there = filled.storage, filled.there
    request = asked(filter=said)
    with PROVIDER:
        expected = {one.id for one in there if request.filter.match(one)}
    page = storage.search([USERS], request)
    assert {one.id for one in page.resources} == expected
    assert page.total == len(expected)


@pytest.mark.parametrize("engine", BOTH, indirect=True)
@settings(
    max_examples=examples(20, 60),
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    sort_by=sorts,
    order=st.sampled_from(["ascending", "descending"]),
    count=st.integers(7, 40),
    said=st.none() | filters,
)
def test_an_order_is_that_of_scim2_and_cursors_walk_it_both_ways(
    filled: Filled, sort_by: str, order: str, count: int, said: str | None
) -> None:
    storage, there = filled.storage, filled.there
    request = asked(filter=said, sort_by=sort_by, sort_order=order, cursor="", count=count)
    with PROVIDER:
        expected = request.sort([one for one in there if said is None or request.filter.match(one)])
        values = [request.sort_value(one) for one in expected]
    pages = [storage.search([USERS], request)]
    while pages[-1].next is not None:
        pages.append(storage.search([USERS], request, position=pages[-1].next))
    found = [one for page in pages for one in page.resources]
    with PROVIDER:
        assert [request.sort_value(one) for one in found] == values
    assert {one.id for one in found} == {one.id for one in expected}
    assert len(found) == len(expected)
    if len(pages) > 1:
        back = storage.search([USERS], request, position=pages[-1].previous)
        assert [one.id for one in back.resources] == [one.id for one in pages[-2].resources]
