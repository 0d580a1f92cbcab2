"""What a leader and a worker have to agree about: only then the one gives changes to the other."""

from __future__ import annotations

import pytest

from tests.house import House

SCIM = {"type": "scim", "url": "https://one.example.com/scim", "auth": {"token": {"env": "SCIM_TOKEN"}}}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIM_TOKEN", "secret")


def calling(house: House, **settings: object) -> str:
    house.configure(**settings)
    app = house.app()
    app.store.dispose()
    return app.calling


@pytest.mark.parametrize(
    "other",
    [
        {"people": {"scope": "active and 'Field' in groups"}},
        {"leavers": {"grace_days": 3, "certified_absences": 1}},
        {"target": {"type": "account"}},
        {"target": {**SCIM, "url": "https://two.example.com/scim"}},
    ],
    ids=["people", "leavers", "type of target", "address of target"],
)
def test_another_one_where_changes_would_be_applied_otherwise(house: House, other: dict[str, object]) -> None:
    assert calling(house, target=SCIM) != calling(house, **other)


def test_the_same_where_only_the_process_differs(house: House) -> None:
    assert calling(house, target=SCIM) == calling(house, schedule={"every": "5m"})
