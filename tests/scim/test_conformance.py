"""Other people's conformance tests, against the running server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from scim.metadata import scim_metadata
from tests.scim_house import gunicorn, open_store


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = f"sqlite:///{tmp_path_factory.mktemp('served')}/scim.db"
    scim_metadata.create_all(open_store(store))
    with gunicorn(store) as found:
        yield found


def test_scim2_tester_finds_no_error(address: str) -> None:
    with httpx2.Client(base_url=f"{address}/scim/v2/tester") as http:
        results = check_server(SyncSCIMClient(http))
    bad = [
        f"{one.title}: {one.reason}"
        for one in results
        if one.status in {Status.DEVIATION, Status.ERROR, Status.CRITICAL}
    ]
    assert bad == []
    assert sum(one.status in {Status.SUCCESS, Status.COMPLIANT} for one in results) > 100


@pytest.mark.parametrize("profile", [[], ["--profile", "entra"]], ids=["strict", "entra"])
def test_scim_sanity_finds_nothing(address: str, profile: list[str]) -> None:
    command = [Path(sys.executable).with_name("scim-sanity"), "probe", f"{address}/scim/v2/sanity", "--token", "x"]
    options = ["--i-accept-side-effects", "--strict", "--json-output", *profile]
    found = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    print(found.stdout)
    summary = json.loads(found.stdout)["summary"]
    assert summary["failed"] == 0, found.stdout
    assert summary["passed"] == 28
