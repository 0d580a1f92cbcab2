"""From the record to the person: what was read, whether it is in scope, what was mapped, matched and merged. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, meta

from connectors.model import normalise_name
from syncd.core.change import Decision, Finding, RecordKey
from syncd.core.explain import Fact, Human, Rule, Seen, Step, Ways, moment, of_finding, plain
from syncd.core.humans import Entry, Isolated, Leaver, Present
from syncd.core.rules import OUT_OF_SCOPE, seen_by_rules


def of_records(human: Human, seen: Mapping[RecordKey, Seen], ways: Ways) -> Iterator[Step]:
    """The steps before the account comes in: read, scope, map, match, merge."""
    known = [(entry, seen[entry.key]) for entry in human.entries if entry.key in seen]
    there = [(entry, one) for entry, one in known if entry.gone_since is None]
    yield Step("read", tuple(_read(entry, one, ways) for entry, one in known) or (_NO_RECORD,))
    yield Step("scope", tuple(_scope(entry, one, ways) for entry, one in there))
    yield Step("map", tuple(fact for entry, one in there if entry.live for fact in _map(entry, one, ways)))
    yield Step("match", tuple(_match(human, ways)))
    yield Step("merge", tuple(_merge(human.verdict, ways)) if isinstance(human.verdict, Present) else ())


_NO_RECORD = Fact("no record of this person is in the store any more")


def _read(entry: Entry, seen: Seen, ways: Ways) -> Fact:
    last, whole = seen.last, seen.certified
    if entry.gone_since:
        says = f"{entry.key} is gone: a whole read missed it first on {moment(entry.gone_since)}"
    elif last is None:
        says = f"{entry.key}, from a source that this configuration does not read"
    elif last.certified:
        says = f"{entry.key}, read whole on {moment(last.at)} (r{last.run_id})"
    else:
        before = f", the last whole one was on {moment(whole.at)} (r{whole.run_id})" if whole else ""
        why = f": {last.problems[0]}" if last.problems else ""
        says = f"{entry.key}; the last read, on {moment(last.at)} (r{last.run_id}), was not whole{before}{why}"
    if entry.pinned:
        says += "; a row that could not be read might have meant it, so nothing is concluded"
    return Fact(says, {**seen.attributes, "groups": [*_groups(seen)]}, ways.source(entry.key.source))


def _groups(seen: Seen) -> tuple[str, ...]:
    groups = seen_by_rules(seen.attributes, seen.groups)["groups"]
    assert isinstance(groups, tuple)
    return groups


def _scope(entry: Entry, seen: Seen, ways: Ways) -> Fact:
    scope = ways.rules.scope
    used = {} if scope is None else {"expression": scope, **_used("{{ (" + scope + ") }}", seen)}
    rules = () if scope is None else (ways.place("people.scope"),)
    shaped = entry.shaped
    if shaped.problem:
        return Fact(f"{entry.key} cannot be judged: {shaped.problem}", used, rules)
    if shaped.out and shaped.out != OUT_OF_SCOPE:
        return Fact(f"{entry.key} {shaped.out}", {"active": seen.attributes.get("active", True)})
    if scope is None:
        return Fact(f"{entry.key} is in scope: people.scope is not set", {}, (ways.place("people.scope"),))
    return Fact(f"{entry.key} {shaped.out or 'is in scope'}", used, rules)


def _used(template: str, seen: Seen) -> dict[str, Any]:
    """The attributes that an expression names, and their values; null where the record has none."""
    given = seen_by_rules(seen.attributes, seen.groups)
    tree = Environment(autoescape=False).parse(template)  # noqa: S701 - nothing is rendered
    names = sorted(meta.find_undeclared_variables(tree))
    return {name: plain(given.get(name)) for name in names}


def _map(entry: Entry, seen: Seen, ways: Ways) -> Iterator[Fact]:
    wanted = entry.shaped.wanted
    assert wanted is not None
    for name, value in (("email", wanted.email), ("display_name", wanted.display_name)):
        if template := ways.rules.mapping.get(name):
            used = {"template": template, **_used(template, seen)}
            yield Fact(f"{name} = {value}", used, (ways.place(f"people.map.{name}"),))
        else:
            yield Fact(f"{name} = {value}, as {entry.key} gives it")
    for group in _groups(seen):
        place, mapped = ways.rules.rule_of(group), ways.rules.group_name(group)
        if ways.rules.groups is None:
            yield Fact(f"group {group}, as {entry.key} gives it")
        elif place is None or mapped is None:
            yield Fact(f"group {group} is left out: no line of groups.map names it", {}, (ways.place("groups.map"),))
        else:
            pattern = ways.rules.groups[place].pattern.pattern
            yield Fact(f"group {group} = {mapped}", {"pattern": pattern}, (ways.place(f"groups.map[{place}]"),))


def _match(human: Human, ways: Ways) -> Iterator[Fact]:
    verdict = human.verdict
    for link in human.links:
        since = f", leaving since {moment(link.leaving_since)}" if link.leaving_since else ""
        reads = {"certified_reads": link.leaving_reads} if link.leaving_since else {}
        yield Fact(f"{link.key} owns the account {link.fluix_id}{since}", reads)
    match verdict:
        case Isolated():
            yield Fact(f"{verdict.check}: {verdict.message}", {}, _undecided(verdict, ways))
        case Leaver():
            account = {"email": verdict.account.email, "state": verdict.account.state}
            yield Fact(f"nobody claims the account {verdict.account.fluix_id} any more: {verdict.reason}", account)
        case Present(account=None, vanished=None):
            yield Fact("no account is linked, and none has this address: a new one is needed")
        case Present(account=None):
            yield Fact(f"the account {verdict.vanished} that was linked is not in Fluix any more")
        case Present(account=account) if account is not None:
            yield from _matched(verdict, account.fluix_id, account.email, ways)
        case _:
            yield Fact("no record asks for an account, and none was made: nothing is done")


def _undecided(verdict: Isolated, ways: Ways) -> tuple[Rule, ...]:
    return of_finding(Finding(verdict.check, Decision.HOLD, ""), ways.place).rules


def _matched(verdict: Present, fluix_id: str, email: str, ways: Ways) -> Iterator[Fact]:
    if verdict.replaces:
        old = ", ".join(map(str, verdict.replaces))
        yield Fact(f"the account {fluix_id} was made from {old}, whose address {verdict.records[0]} has now")
    elif verdict.adopt:
        new = ", ".join(map(str, verdict.adopt))
        says = f"the account {fluix_id} has the address of {new}, and becomes its own"
        yield Fact(says, {"email": email}, (ways.place("people.adopt"),))


def _merge(person: Present, ways: Ways) -> Iterator[Fact]:
    if len(person.entries) == 1:
        yield Fact(f"one record alone, {person.records[0]}: nothing to merge")
        return
    first, rules = person.records[0], ways.source(person.records[0].source)
    yield Fact(f"email = {person.wanted.email}, from {first}, whose source stands first", {}, rules)
    yield Fact(f"display_name = {person.wanted.display_name}, from {first}, whose source stands first", {}, rules)
    for group in person.wanted.groups:
        givers = [entry for entry in person.entries if _gives(entry, group)]
        yield Fact(f"group {group}, from {' and '.join(str(entry.key) for entry in givers)}")


def _gives(entry: Entry, group: str) -> bool:
    wanted = entry.shaped.wanted
    return wanted is not None and normalise_name(group) in map(normalise_name, wanted.groups)
