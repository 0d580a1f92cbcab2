"""Writes that meet: all of them land, in threads and in processes, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import Engine, select

from scim import feed
from scim.tables import members, resources
from scim.tenant import Tenant
from tests.scim_house import BOTH, GROUP, PATCH, USER, Client, gunicorn

pytestmark = pytest.mark.parametrize("engine", BOTH, indirect=True)
MANY = 50


@pytest.fixture
def http(engine: Engine, tenant: Tenant) -> Iterator[Callable[..., httpx.Response]]:
    """Two processes of four threads each."""
    with gunicorn(engine.url.render_as_string(hide_password=False)) as address, httpx.Client(timeout=60) as session:

        def call(method: str, path: str, *operations: dict) -> httpx.Response:
            body = {"schemas": [PATCH], "Operations": list(operations)}
            return session.request(method, f"{address}/scim/v2/{tenant.name}{path}", json=body)

        yield call


def at_once(count: int, deed: Callable[[int], int]) -> list[int]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(deed, range(count)))


def test_members_of_one_group_all_land(client: Client, http: Callable[..., httpx.Response]) -> None:
    users = [client.user(f"u{n}")["id"] for n in range(MANY)]
    group = client.group("G")["id"]

    def add(n: int) -> int:
        return http(
            "PATCH", f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": users[n]}]}
        ).status_code

    assert set(at_once(MANY, add)) == {200}
    found = client("GET", f"/Groups/{group}").said
    assert {one["value"] for one in found["members"]} == set(users)
    assert found["meta"]["version"] == f'W/"{MANY + 1}"'

    def remove(n: int) -> int:
        return http(
            "PATCH", f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{users[n]}"]'}
        ).status_code

    assert set(at_once(MANY, remove)) == {200}
    assert "members" not in client("GET", f"/Groups/{group}").said


def test_patches_of_one_user_all_land(client: Client, http: Callable[..., httpx.Response]) -> None:
    user = client.user("anna")["id"]

    def patch(n: int) -> int:
        return http(
            "PATCH", f"/Users/{user}", {"op": "add", "path": "emails", "value": [{"value": f"a{n}@x.y"}]}
        ).status_code

    assert set(at_once(MANY, patch)) == {200}
    assert {one["value"] for one in client("GET", f"/Users/{user}").said["emails"]} == {
        f"a{n}@x.y" for n in range(MANY)
    }


def test_threads_of_one_process_meet_too(make_client: Callable[..., Client], client: Client) -> None:
    user, group = client.user("anna")["id"], client.group("G")["id"]
    users = [client.user(f"u{n}")["id"] for n in range(12)]

    def both(n: int) -> int:
        mine = make_client()
        mine.patch(f"/Groups/{group}", {"op": "add", "value": {"members": [{"value": users[n]}]}}, expect=200)
        mine.patch(f"/Users/{user}", {"op": "add", "path": "roles", "value": [{"value": f"r{n}"}]}, expect=200)
        return 0

    at_once(12, both)
    assert len(client("GET", f"/Groups/{group}").said["members"]) == 12
    assert len(client("GET", f"/Users/{user}").said["roles"]) == 12


def test_a_name_is_taken_once_however_many_ask(client: Client, make_client: Callable[..., Client]) -> None:
    def create(n: int) -> int:
        return make_client()("POST", "/Users", {"schemas": [USER], "userName": "Anna" if n % 2 else "aNNA"}).status_code

    assert sorted(at_once(12, create)) == [201] + [409] * 11


def test_a_reader_by_the_counter_misses_nothing(
    client: Client, make_client: Callable[..., Client], engine: Engine, tenant: Tenant
) -> None:
    """Whoever reads while others write, and goes on from the newest it saw, has seen everybody in the end."""
    seen: set[str] = set()
    since = 0

    def read() -> int:
        nonlocal since
        for change in feed.changes(engine, tenant.name, since):
            seen.add(change.id)
            since = change.changed
        return since

    def write(n: int) -> None:
        mine = make_client()
        for m in range(5):
            mine("POST", "/Groups", {"schemas": [GROUP], "displayName": f"G{n}-{m}"}, 201)

    with ThreadPoolExecutor(6) as threads:
        writers = [threads.submit(write, n) for n in range(6)]
        while not all(one.done() for one in writers):
            read()
    [one.result() for one in writers]
    read()
    with engine.connect() as connection:
        there = select(resources.c.id).where(resources.c.tenant == tenant.name)
        assert seen == set(connection.execute(there).scalars())
        assert connection.execute(select(members).where(members.c.tenant == tenant.name)).all() == []
