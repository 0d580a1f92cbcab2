"""`make docs`: the whole documentation is in the site, every link leads somewhere, and nothing is fetched from elsewhere."""

from __future__ import annotations

import functools
import html
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from mkdocs.exceptions import Abort
from playwright.sync_api import Browser

from syncd.cli import cli
from syncd.config import Config, config_keys
from syncd.errors import Exit
from syncd.web import pages
from tests.web_house import DESKTOP, PHONE, needs_chromium
from tools import reference
from tools.reference.exits import MEANINGS
from tools.site import gather, navigation, site

ROOT = Path(__file__).parent.parent
FETCHED = re.compile(
    r"<(?:link|script|img|iframe|source|video|audio|object|embed)\b[^>]*?\b(?:href|src|srcset|data)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)
STYLED = re.compile(r"(?:url\(\s*[\"']?|@import\s+[\"'])((?:https?:)?//[^\"')\s]+)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    site(folder)
    return folder


def test_every_page_is_built_and_in_the_navigation(built: Path) -> None:
    start = (built / "index.html").read_text(encoding="utf-8")
    led_to = set(re.findall(r'<a href="?([^">\s#]+)[^>]*class="?md-nav__link', start))
    for page in [*(ROOT / "docs").rglob("*.md")]:
        place = page.relative_to(ROOT).with_suffix(".html")
        assert (built / place).is_file()
        assert str(place) in led_to
    assert {f"reference/{name}".replace(".md", ".html") for name in reference.pages()} <= led_to


def test_the_three_audiences_come_first(tmp_path: Path) -> None:
    gather(tmp_path / "pages", ROOT)
    (_, first, *others) = navigation(tmp_path / "pages")
    assert next(iter(first.values())) == ["docs/it-teams.md", "docs/identity-providers.md", "docs/mdm-admins.md"]
    titles = [title for part in others for title in part]
    assert [titles.index(title) for title in ("Operations", "Safety", "Reference", "How it is built")] == sorted(
        titles.index(title) for title in ("Operations", "Safety", "Reference", "How it is built")
    )


def test_nothing_is_fetched_from_elsewhere(built: Path) -> None:
    found = []
    for file in built.rglob("*"):
        if file.suffix in {".html", ".css"}:
            text = file.read_text(encoding="utf-8")
            found += [(file.name, address) for address in STYLED.findall(text)]
            found += [(file.name, address) for address in FETCHED.findall(text) if file.suffix == ".html"]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        '<link rel=stylesheet href="https://x.example/a.css">',
        "<script src=//x.example/a.js>",
        '<img alt="" src=http://x.example/a>',
    ],
)
def test_what_is_fetched_would_be_found(text: str) -> None:
    assert FETCHED.findall(text)
    assert STYLED.findall("a { background: url(https://x.example/a.png) }")


@pytest.mark.parametrize("text", ["[a](nowhere.md)", "[a](safety.md#nowhere)", "[a](nowhere/)"])
def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path, text: str) -> None:
    root = tmp_path / "root"
    for name in ("README", "ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG", "examples/README"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.md").write_text(f"# {name}\n", encoding="utf-8")
    for name in ("config.example.yaml", "deploy/alerts.yaml", "deploy/grafana-dashboard.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    (root / "docs/decisions").mkdir(parents=True)
    for name in ("operations", "console", "safety", "metrics", "events"):
        (root / f"docs/{name}.md").write_text(f"# {name}\n\n## Programs\n", encoding="utf-8")
    site(tmp_path / "good", root)
    (root / "docs/more.md").write_text(f"# More\n\n{text}\n", encoding="utf-8")
    with pytest.raises(Abort):
        site(tmp_path / "bad", root)


def text_of(built: Path, name: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", (built / f"reference/{name}.html").read_text(encoding="utf-8")))


def test_every_configuration_key_is_in_the_reference(built: Path) -> None:
    text = text_of(built, "configuration")
    shared = (
        "password",
        "token",
        "secret",
        "count",
        "percent",
        "schedule",
        "key",
        "url",
        "headers",
        "authorization",
        "env",
        "file",
    )
    for path, _ in config_keys(Config):
        last = path.rpartition(".")[2]
        assert path in text or last in shared or re.search(rf"^\s*{re.escape(last)}\s*$", text, re.MULTILINE), path


def test_every_command_option_code_and_operation_is_in_the_reference(built: Path) -> None:
    text = text_of(built, "commands")

    def leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
        if isinstance(command, click.Group):
            with click.Context(command) as context:
                for name in command.list_commands(context):
                    found = command.get_command(context, name)
                    assert found
                    yield from leaves(found, (*path, name))
        else:
            yield path, command

    for path, command in leaves(cli, ("syncd",)):
        assert " ".join(path) in text
        for one in command.params:
            assert not isinstance(one, click.Option) or all(name in text for name in one.opts)
    assert MEANINGS.keys() == set(Exit)
    api = text_of(built, "api")
    assert [entry.summary for entry in pages.ALL if entry.summary.replace("`", "") not in api] == []


@pytest.fixture
def served(built: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@needs_chromium
def test_it_fits_a_phone_and_asks_nobody_else(served: str, chromium: Browser) -> None:
    asked: list[str] = []
    for size, theme in ((DESKTOP, "light"), (PHONE, "dark")):
        context = chromium.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for place in (
            "index.html",
            "docs/operations.html",
            "docs/security.html",
            "reference/configuration.html",
            "reference/api.html",
        ):
            page.goto(served + place, wait_until="load")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, f"{place} is {wider} px wider than a screen of {size['width']}"
        context.close()
    assert [url for url in asked if not url.startswith((served, "data:"))] == []
