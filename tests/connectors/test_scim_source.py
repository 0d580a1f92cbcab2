"""The source against services that keep their word: an independent one over HTTP, and the reference implementation."""

from __future__ import annotations

import pytest

from connectors.scim.settings import SourceSettings
from connectors.scim_source import ScimSource
from tests.contracts import PEOPLE, SourceContract, read_all
from tests.scim_services import access, node_service, seed_of, user


@pytest.fixture(scope="module")
def node():
    with node_service() as service:
        yield service


class TestOverScimmy(SourceContract):
    few, more = 400, 1000  # it makes every resource anew for each page

    @pytest.fixture(autouse=True)
    def _service(self, node):
        self.node = node

    def source_of(self, people, *more, **settings):
        users, groups = seed_of(people)
        self.node.seed([*users, *more], groups)
        return ScimSource(
            "scim",
            SourceSettings(access(self.node.url), **{"page_size": 1000, "groups_page_size": 1, **settings}),
            sleep=lambda _: None,
        )

    def make_source(self, people, tmp_path):
        return self.source_of(people)

    def make_incomplete(self, people, tmp_path):
        return self.source_of(people, user("E9", "not an address", "Nobody"))

    def make_failing(self, people, tmp_path):
        self.source_of(people)
        return ScimSource("scim", SourceSettings(access(self.node.url + "/elsewhere")), sleep=lambda _: None)

    def test_it_is_read_in_pages_as_in_one(self):
        whole = read_all(self.source_of(PEOPLE))[0]
        self.node.seed(*seed_of(PEOPLE))
        source = ScimSource("scim", SourceSettings(access(self.node.url), page_size=1))
        records, certificate = read_all(source)
        assert certificate.certified
        assert [(r.kind, r.external_id, r.attributes) for r in records] == [
            (r.kind, r.external_id, r.attributes) for r in whole
        ]
