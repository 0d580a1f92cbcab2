"""What `detect` found, as a source block to copy into the configuration: ready, and with a comment at every line.

Pure: values in, text out. May not: hold a secret; it writes where the secret is kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from connectors.ldap.activity import ACTIVITY_ATTRIBUTES
from connectors.ldap.detect import USUAL_ATTRIBUTES, common_base

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from connectors.ldap.detect import Counted, Found

_PLACES = 5
_ATTRIBUTES = ("mail", *USUAL_ATTRIBUTES, *ACTIVITY_ATTRIBUTES)


def source_block(
    found: Found,
    name: str = "directory",
    *,
    urls: Sequence[str],
    bind: str | None = None,
    ca_file: str | None = None,
    starttls: bool = True,
) -> str:
    """The block for `sources:`, in YAML.

    Args:
        found: what was found.
        name: the source's name.
        urls: the servers, all of which hold the same.
        bind: the `bind` line's value in YAML; None: nobody.
        ca_file: the authority's certificate.
        starttls: whether `ldap://` is encrypted.
    """
    people, groups = found.people, found.groups
    lines = [
        f"# {found.vendor}, recognised as {found.kind.name}",
        f"- name: {name}",
        "  type: ldap",
        f"  kind: {found.kind.name}",
        f"  url: [{', '.join(map(_quoted, urls))}]",
    ]
    if any(url.startswith("ldap://") for url in urls) and not starttls:
        lines.append("  starttls: false  # everything, the password too, crosses the network in the clear")
    if ca_file:
        lines.append(f"  ca_file: {_quoted(ca_file)}")
    if bind:
        lines.append(f"  bind: {bind}")
    lines += [
        *_key_lines(found),
        f"  page_size: {found.page_size}"
        + ("  # the server took it" if found.page_size else "  # the server has no pages"),
        "  people:",
        *_comments(_counted("people", people), "    "),
        *_comments(_states(people), "    "),
        *_comments(_where(people), "    "),
        f"    base: {_quoted(common_base(people.parents) or people.base)}",
        f"    filter: {_quoted(people.filter)}",
    ]
    if found.email_attribute != "mail" and people.count:
        lines.append(f"    attributes: {{email: {found.email_attribute}}}  # nearly nobody shows `mail`")
    lines += _comments(_rights(found), "    ")
    if groups.count:
        lines += [
            "  groups:",
            *_comments(_counted("groups", groups), "    "),
            *_comments(_where(groups), "    "),
            f"    base: {_quoted(common_base(groups.parents) or groups.base)}",
            f"    filter: {_quoted(groups.filter)}",
            "    nested: true  # who is in a group's group is in the group",
        ]
    else:
        lines.append(
            f"  # no groups found with {groups.filter} below {groups.base}: add `groups` when you know where they are"
        )
    lines += _comments(_samples(people), "  ")
    return "\n".join(lines) + "\n"


def _key_lines(found: Found) -> Iterator[str]:
    attribute, people = found.kind.key_attribute, found.people
    having = people.readable[attribute.lower()]
    yield f"  key: {attribute}  # {having:,} of {people.count:,} people show it"
    if having < people.count:
        yield "  # PROBLEM: without a key a person is skipped and nothing is certified: let the bind user read it"


def _counted(what: str, counted: Counted) -> Iterator[str]:
    yield f"{counted.count:,} {what} below {counted.base}"
    if counted.incomplete:
        yield f"PROBLEM: there may be more: {counted.incomplete}"
    if not counted.count:
        yield f"PROBLEM: no {what} found: the filter may be too narrow, or the bind user may not read them"


def _states(people: Counted) -> Iterator[str]:
    if people.count:
        yield ", ".join(f"{people.states[state]:,} {state}" for state in ("active", "inactive", "unknown"))
    for problem, count in people.problems.most_common(_PLACES):
        yield f"PROBLEM: {count:,} times: {problem}"


def _where(counted: Counted) -> Iterator[str]:
    parents: Counter[str] = counted.parents
    for dn, count in sorted(parents.items(), key=lambda item: (-item[1], item[0]))[:_PLACES]:
        yield f"{count:,} in {dn}"
    if len(parents) > _PLACES:
        yield f"and more in {len(parents) - _PLACES:,} other places"


def _rights(found: Found) -> Iterator[str]:
    """How much of each attribute we see: what may not be read is absent, not refused."""
    people = found.people
    if not people.count:
        return
    yield "What this bind user sees (what it may not read looks as if it were not there):"
    for name in _ATTRIBUTES:
        seen = people.readable[name.lower()]
        if seen:
            yield f"  {name}: {seen:,} of {people.count:,}"
        elif name.lower() in found.known:
            yield f"  {name}: nobody has it, or it may not be read"


def _samples(people: Counted) -> Iterator[str]:
    if people.samples:
        yield "Do you know them?"
    for sample in people.samples:
        yield f"  {sample.display_name or '(no name)'} <{sample.email}>, {sample.state}"
        yield f"    {sample.dn}, key {sample.key}"


def _comments(sentences: Iterator[str], indent: str) -> Iterator[str]:
    # A line break in a value would end the comment, and what follows would be configuration.
    yield from (f"{indent}# {''.join(c if c.isprintable() else '?' for c in sentence)}" for sentence in sentences)


def _quoted(text: str) -> str:
    """A text in YAML, whatever is in it: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=True)
