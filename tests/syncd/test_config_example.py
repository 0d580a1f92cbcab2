"""config.example.yaml is a tutorial, and true: it works, it is complete, and the defaults that it quotes are the real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from syncd.config import Config, ConfigError, config_keys, load_config

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")


def _instead(text: str, mark: str) -> str:
    """The example with another section, whose lines begin with a mark, in the place of section 3."""
    lines = text.splitlines(keepends=True)
    alternative = [place for place, line in enumerate(lines) if line.startswith(mark)]
    kept = [*lines[: lines.index("target:\n")], *lines[alternative[0] :]]
    return "".join(line.removeprefix(mark) for line in kept)


def _switched_on(text: str) -> str:
    return re.sub(r"^( *)#(?=[a-z-])", r"\1", text, flags=re.MULTILINE)


PORTAL = _instead(TEXT, "##")
SCIM = _instead(TEXT, "#|")
FULL = _switched_on(TEXT)
"""The example with every commented key switched on."""
FULL_PORTAL = _switched_on(PORTAL)
FULL_SCIM = _switched_on(SCIM)
KEYS = dict(config_keys(Config))

# The same sub-keys recur for each kind and window; one place explains them all.
RECURRING = re.compile(
    r"budgets\.(run|day|week)\.[a-z_]+(\.per_group)?\.(count|percent|per_group)|budgets\.(day|week)\.(?!delete$)[a-z_]+"
    r"|(sources\[\]|target)\.auth\.[a-z_]+\.(env|file)|mdm\.push\[\]\.[a-z_.]+\.(env|file)"
)


def _written(node: yaml.Node, path: str = "") -> dict[str, int]:
    """Every key's path with its line (from 0); lists as `[]`."""
    found = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = f"{path}.{key.value}" if path else key.value
            found[here] = key.start_mark.line
            found |= _written(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found |= _written(item, f"{path}[]")
    return found


# Whatever stands only in section 3b or 3c has its line in PORTAL or SCIM, counted on after the lines of TEXT.
LINES = [*TEXT.splitlines(), *PORTAL.splitlines(), *SCIM.splitlines()]
BEGIN = len(TEXT.splitlines())
BEGIN_SCIM = BEGIN + len(PORTAL.splitlines())
WRITTEN = (
    {path: BEGIN_SCIM + line for path, line in _written(yaml.compose(FULL_SCIM)).items()}
    | {path: BEGIN + line for path, line in _written(yaml.compose(FULL_PORTAL)).items()}
    | _written(yaml.compose(FULL))
)


def _comment_above(line: int) -> str:
    lines = LINES
    block = []
    while line > 0 and re.match(r" *# ", lines[line - 1]):
        line -= 1
        block.append(lines[line].strip("# "))
    return " ".join(reversed(block))


def _plain(default: object) -> object:
    if isinstance(default, BaseModel):
        shape = default.model_dump(exclude_none=True)
        return shape["mode"] if set(shape) == {"mode"} else shape
    return list(default) if isinstance(default, tuple) else default


def test_it_works_as_it_stands():
    config = load_config(EXAMPLE)
    source = config.sources[0]
    assert source.resolved_path == ROOT / "examples/day1/people.csv"
    assert source.resolved_path.is_file()
    assert config.store_url == f"sqlite:///{ROOT}/var/syncd.db"
    assert config.unused() == []
    header = source.resolved_path.read_text(encoding="utf-8").partition("\n")[0].split(",")
    assert set(source.columns.values()) == set(header)


def test_it_works_with_every_commented_key_switched_on(tmp_path):
    (tmp_path / "config.yaml").write_text(FULL, encoding="utf-8")
    config = load_config(tmp_path / "config.yaml")
    assert config.unused() == ["store_password", "store_direct"]


@pytest.mark.parametrize("text", [PORTAL, FULL_PORTAL], ids=["as it stands", "switched on"])
def test_the_real_fluix_can_stand_in_the_place_of_the_embedded_account(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    target = load_config(tmp_path / "config.yaml").target
    assert target.type == "portal"
    assert target.settings.export.folder == tmp_path / "exports"
    assert (target.webhook is not None) == (text == FULL_PORTAL)


@pytest.mark.parametrize("text", [SCIM, FULL_SCIM], ids=["as it stands", "switched on"])
def test_a_scim_endpoint_can_stand_in_the_place_of_the_embedded_account(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    target = load_config(tmp_path / "config.yaml").target
    assert (target.type, target.url) == ("scim", "https://fluix.example.com/scim/v2")


def test_it_differs_from_the_defaults_only_where_it_says_so():
    config = load_config(EXAMPLE)
    defaults = Config.model_validate({"version": 1, "sources": [{"name": "people", "type": "csv", "path": "x"}]})
    differing = {}
    for section in ("target", "people", "groups", "leavers", "budgets", "shrink", "approvals"):
        for key, value in getattr(config, section):
            if value != getattr(getattr(defaults, section), key):
                differing[f"{section}.{key}"] = value
    assert differing == {"leavers.grace_days": 0, "leavers.certified_absences": 1}
    for key in differing:
        assert "FOR THIS TOUR" in _comment_above(WRITTEN[key])


@pytest.mark.parametrize("path", [path for path in KEYS if not RECURRING.fullmatch(path)])
def test_every_key_is_in_it(path):
    if path in WRITTEN:
        return
    # An alternative to another key (`every` for `cron`) cannot stand beside it: a comment shows it, as it is written.
    parent, _, key = path.rpartition(".")
    assert parent.removesuffix("[]") in WRITTEN
    assert re.search(rf"`[^`]*\b{key}: [^`]+`", _comment_above_any(parent)), path


def _comment_above_any(parent: str) -> str:
    """The comments above a key and above everything in it."""
    return " ".join(_comment_above(line) for key, line in WRITTEN.items() if key.startswith(parent))


def test_every_key_in_it_exists():
    free = re.compile(
        r"(sources\[\]\.columns|people\.map|mdm\.tokens|target\.columns|target\.webhook\.fields|access\.oidc\.roles)\.[a-z_-]+"
    )
    assert [path for path in WRITTEN if path not in KEYS and not free.fullmatch(path)] == []


def test_the_names_of_limits_are_explained():
    above = _comment_above(WRITTEN["budgets"])
    assert {"`count:`", "`percent:`", "`null`"} <= set(re.findall(r"`[^`]+`", above))


@pytest.mark.parametrize("path", [path for path in WRITTEN if path in KEYS])
def test_the_default_in_the_comment_is_the_real_one(path):
    found = KEYS[path]
    line = LINES[WRITTEN[path]]
    if not re.match(rf" *(#|- )*(#- )?{re.escape(path.rpartition('.')[2])}:", line):
        return  # inside braces, explained with what is around it
    if (
        isinstance(found.default, BaseModel)
        and any(key.startswith(f"{path}.") for key in WRITTEN)
        and path.count(".") < 2
    ):
        return  # a heading: its keys say their defaults
    if path in {"store_password.env", "groups.map[].from", "target.active_states", "target.invited_states"}:
        return
    quoted = re.findall(r"\(default: (.*?)\)(?= |$)", _comment_above(WRITTEN[path]))
    if found.default is PydanticUndefined:
        assert quoted == []
        assert "(required)" in _comment_above(WRITTEN[path])
        return
    assert len(quoted) == 1, f"line {WRITTEN[path] + 1}: one default is quoted above {path}"
    value = None if quoted[0] == "none" else yaml.safe_load(quoted[0])
    assert value == _plain(found.default)


def test_it_is_nice_to_read():
    assert [number for number, line in enumerate(TEXT.splitlines(), 1) if len(line) >= 110] == []
    assert not re.search(r"[ \t]+$", TEXT, flags=re.MULTILINE)


def test_a_slip_in_it_is_found(tmp_path):
    (tmp_path / "config.yaml").write_text(TEXT.replace("grace_days: 0", "grace_day: 0"), encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean `grace_days`"):
        load_config(tmp_path / "config.yaml")
