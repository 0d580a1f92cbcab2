"""What tests of the service provider share: an identity provider, and a real server in processes of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine

from scim.app import scim_app
from scim.tenant import Tenant
from syncd.store.engine import open_engine
from tests.postgres import needs_postgres

BOTH = ["sqlite", pytest.param("postgresql", marks=needs_postgres)]
SECRET = "of the tests"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


class Client:
    """What an identity provider does, without a network."""

    def __init__(self, client: FlaskClient, tenant: Tenant) -> None:
        self.client = client
        self.tenant = tenant

    def __call__(self, method: str, path: str, body: object = None, expect: int | None = None, **headers: str) -> Any:
        how = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: Any = self.client.open(f"/scim/v2/{self.tenant.name}{path}", method=method, json=body, headers=how)
        if expect is not None:
            assert answer.status_code == expect, answer.get_data(as_text=True)
        answer.said = answer.get_json(force=True) if answer.data else None
        return answer

    def user(self, name: str, **more: object) -> Any:
        return self("POST", "/Users", {"schemas": [USER], "userName": name, **more}, 201).said

    def group(self, name: str, *members: str) -> Any:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in members]}
        return self("POST", "/Groups", body, 201).said

    def patch(self, path: str, *operations: dict[str, Any], expect: int | None = None, **headers: str) -> Any:
        return self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, expect, **headers)


def open_store(url: str) -> Engine:
    """The engine of a store, with as many connections as tests have threads."""
    return open_engine(url) if url.startswith("sqlite") else create_engine(url, pool_size=30)


def served() -> Flask:
    """What gunicorn serves: any tenant, from the store named in the environment."""
    return scim_app(open_store(os.environ["SCIM_STORE"]), Tenant, secret=SECRET, write_options={"read_again": True})


@contextlib.contextmanager
def gunicorn(
    store: str, *, application: str = "tests.scim_house:served()", workers: int = 2, preload: bool = False
) -> Iterator[str]:
    """A server with workers of four threads each; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    how = ["--workers", str(workers), "--worker-class", "gthread", "--threads", "4", "--bind", f"127.0.0.1:{port}"]
    how += ["--preload"] if preload else []
    environment = {**os.environ, "SCIM_STORE": store, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-m", "gunicorn", "--log-level", "error", "--keep-alive", "60", *how, application]
    process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parent.parent)
    try:
        _wait(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=120)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, "gunicorn ended as soon as it began"
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{address}/scim/v2/x/ServiceProviderConfig")
            return
        time.sleep(0.05)
    raise AssertionError("gunicorn does not answer")
