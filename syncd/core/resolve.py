"""From records to persons: who is one human, who left, and who cannot be told apart. Pure.

A *cluster* is everything that might concern the same people: records that share a link or an address, and the accounts
behind them. `resolve` splits it into verdicts, one for each human:

    Present    should have an account: with one (linked, or adopted by address), or without (to be created)
    Leaver     has a linked account, and every record behind it is certified gone, inactive or out of scope
    Isolated   cannot be decided by a program; nothing is changed for the accounts and records named
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from connectors.model import Account, normalise_email, normalise_name
from syncd.core.change import RecordKey
from syncd.core.humans import Cluster, Entry, Isolated, Leaver, Link, Present, Verdict
from syncd.core.naming import same_name
from syncd.core.rules import Wanted


def resolve(cluster: Cluster, *, adopt: bool = True, precedence: Sequence[str] = ()) -> list[Verdict]:
    """Split a cluster into its humans, and say for each what should be.

    Args:
        cluster: see there.
        adopt: whether an account that is there already, with the same address, becomes ours.
        precedence: names of the sources, the most trusted first.
    """
    return _Resolver(cluster, adopt, precedence).verdicts()


class _Resolver:
    """The look-ups that the steps below share."""

    def __init__(self, cluster: Cluster, adopt: bool, precedence: Sequence[str]) -> None:
        self.cluster = cluster
        self.adopt = adopt
        self.rank = {name: place for place, name in enumerate(precedence)}
        links = sorted(cluster.links, key=lambda link: link.key)
        self.link = {link.key: link for link in links}
        self.linked: dict[str, list[Link]] = {}
        for link in links:
            self.linked.setdefault(link.fluix_id, []).append(link)
        self.account = {account.fluix_id: account for account in cluster.accounts}
        self.by_address = {normalise_email(account.email): account for account in cluster.accounts}
        self.entry = {entry.key: entry for entry in cluster.entries}
        self.claimed: set[str] = set()

    def verdicts(self) -> list[Verdict]:
        """One verdict a human: the live first, for they claim accounts; what they leave over may be leavers."""
        if frozen := self._pinned() or self._two_accounts():
            return [frozen]
        humans = self._humans()
        found = [self._isolate_unclear(human) or self._human(human) for human in humans]
        return found + self._leavers()

    def _pinned(self) -> Isolated | None:
        """A skipped row might have meant anybody in here, so nobody in here is touched."""
        pins = [str(entry.key) for entry in self.cluster.entries if entry.pinned]
        pins += [
            account.email
            for account in self.cluster.accounts
            if normalise_email(account.email) in self.cluster.pinned_addresses
        ]
        pins += [
            str(entry.key)
            for entry in self.cluster.entries
            if not entry.pinned and entry.shaped.email in self.cluster.pinned_addresses
        ]
        if not pins:
            return None
        message = f"a row that could not be read might have meant {_names(pins)}: left as it is"
        return self._isolated("pinned", message, self.cluster.entries)

    def _two_accounts(self) -> Isolated | None:
        """A target that holds one address twice cannot be told apart by address."""
        if len(self.by_address) == len(self.cluster.accounts):
            return None
        emails = _names(sorted(account.email for account in self.cluster.accounts))
        return self._isolated(
            "conflict", f"Fluix holds an address twice, among {emails}: mend it there", self.cluster.entries
        )

    def _humans(self) -> list[list[Entry]]:
        """The live and the unclear records, grouped: the same account or the same address is the same human."""
        there = [entry for entry in self.cluster.entries if entry.live or entry.unclear]
        if len(there) <= 1:  # nearly everybody
            return [[entry] for entry in there]
        home: dict[object, list[Entry]] = {}
        for entry in sorted(there, key=self._order):
            link = self.link.get(entry.key)
            homes: list[object] = [link.fluix_id if link else entry.key, ("at", entry.shaped.email or entry.key)]
            meeting = {id(home[place]): home[place] for place in homes if place in home}
            members = next(iter(meeting.values()), [])
            for other in list(meeting.values())[1:]:
                members.extend(other)
                home.update({place: members for place, group in home.items() if group is other})
            members.append(entry)
            home.update(dict.fromkeys(homes, members))
        return list({id(group): group for group in home.values()}.values())

    def _isolate_unclear(self, human: list[Entry]) -> Isolated | None:
        """A record that the rules cannot judge, or two records of one source, isolate their human."""
        for entry in human:
            if entry.shaped.problem:
                return self._isolated("unreadable", f"{entry.key}: {entry.shaped.problem}", human)
        sources = [entry.key.source for entry in human]
        if len(set(sources)) < len(sources):
            address = human[0].shaped.email
            names = _names([str(entry.key) for entry in human])
            cure = "give each their own address, or remove the one that is wrong"
            return self._isolated("conflict", f"{names} share the address {address}: {cure}", human)
        ids = {self.link[entry.key].fluix_id for entry in human if entry.key in self.link}
        if len(ids) > 1:
            names = _names([str(entry.key) for entry in human])
            message = (
                f"{names} share an address, but own {len(ids)} accounts: one account must be deleted in Fluix by hand"
            )
            return self._isolated("conflict", message, human)
        return None

    def _human(self, human: list[Entry]) -> Verdict:
        """A human with one clear set of records: which account is theirs?"""
        entries = tuple(human)
        wanted = _merge(entries)
        links = tuple(self.link[entry.key] for entry in entries if entry.key in self.link)
        there = self.by_address.get(wanted.address)
        if links:
            mine = (*links, *(link for link in self.linked[links[0].fluix_id] if link not in links))
            return self._linked(wanted, entries, mine, there)
        there = there or self._left_behind(wanted.address)
        if there is None:
            return Present(wanted, entries)
        return self._unlinked(wanted, entries, there)

    def _left_behind(self, address: str) -> Account | None:
        """The account of a dead record that had this address, whatever the account's own address is by now."""
        for entry in sorted(self.cluster.entries, key=self._order):
            link = self.link.get(entry.key)
            if link and not entry.live and not entry.unclear and entry.shaped.email == address:
                account = self.account.get(link.fluix_id)
                owners = [owner for other in self.linked[link.fluix_id] if (owner := self.entry.get(other.key))]
                if account is None or any(owner.live for owner in owners):
                    continue
                # Where an owner is unclear, it is still theirs: `_unlinked` says so, and nobody gets a second account.
                if account.fluix_id not in self.claimed or any(owner.unclear for owner in owners):
                    return account
        return None

    def _linked(
        self, wanted: Wanted, entries: tuple[Entry, ...], links: tuple[Link, ...], there: Account | None
    ) -> Verdict:
        fluix_id = links[0].fluix_id
        account = self.account.get(fluix_id)
        if account is None and there is not None:
            return self._unlinked(wanted, entries, there)
        if there is not None and there.fluix_id != fluix_id:
            self.claimed.add(fluix_id)
            message = (
                f"{entries[0].key} should have the address {wanted.email}, which another account ({there.display_name}) "
                "holds: it follows when that address is free; if two wait for each other, change one in Fluix by hand"
            )
            return Isolated("taken", message, tuple(entry.key for entry in entries), (fluix_id,))
        self.claimed.add(fluix_id)
        if account is None:
            return Present(wanted, entries, links, vanished=fluix_id)
        unlinked = tuple(entry.key for entry in entries if entry.key not in self.link)
        past = self._past(fluix_id)
        return Present(wanted, entries, links, account, unlinked, past=past, unsure=self._unsure(entries, past))

    def _past(self, fluix_id: str) -> tuple[Entry, ...]:
        owners = (self.entry.get(link.key) for link in self.linked.get(fluix_id, []))
        return tuple(owner for owner in owners if owner is not None and not owner.live)

    def _unsure(self, entries: Sequence[Entry], past: Iterable[Entry]) -> bool:
        """Whether somebody who stands before these may be there after all."""
        first = self._order(entries[0])
        return any(not entry.trusted and self._order(entry) < first for entry in past)

    def _unlinked(self, wanted: Wanted, entries: tuple[Entry, ...], there: Account) -> Verdict:
        """Nobody of this human owns an account, but one has the address already."""
        keys = tuple(entry.key for entry in entries)
        owned = self.linked.get(there.fluix_id, [])
        owners = [self.entry.get(link.key) for link in owned]
        living = any(owner is not None and (owner.live or owner.unclear) for owner in owners)
        if living or there.fluix_id in self.claimed:
            message = f"{keys[0]} should have the address {wanted.email}, which another person's account still holds"
            return Isolated("taken", message, keys)
        if not owners:
            if not self.adopt:
                message = (
                    f"{wanted.email} ({keys[0]}) has an account that is not ours: left alone (people.adopt: never)"
                )
                return Isolated("not_ours", message, keys)
            self.claimed.add(there.fluix_id)
            return Present(wanted, entries, account=there, adopt=keys)
        self.claimed.add(there.fluix_id)
        sources = {key.source for key in keys}
        # A link whose record is not in the store is somebody's, too: that is a question as well.
        asked = [link for link in owned if link.key.source in sources or link.key not in self.entry]
        if not same_name(wanted.display_name, [link.given.get("display_name") for link in owned]):
            asked = owned
        replaces = tuple(link.key for link in asked)
        past = self._past(there.fluix_id)
        unsure = self._unsure(entries, past)
        return Present(wanted, entries, tuple(owned), there, keys, replaces, past, unsure)

    def _leavers(self) -> list[Verdict]:
        """Linked accounts that no live record claimed."""
        found: list[Verdict] = []
        for fluix_id, links in sorted(self.linked.items()):
            account = self.account.get(fluix_id)
            entries = tuple(self.entry[link.key] for link in links if link.key in self.entry)
            if fluix_id in self.claimed or account is None or len(entries) < len(links):
                continue
            if any(entry.live or entry.unclear for entry in entries):
                continue
            reason = "; ".join(entry.why_dead for entry in entries)
            found.append(Leaver(account, tuple(links), entries, reason))
        return found

    def _isolated(
        self, check: Literal["conflict", "unreadable", "pinned"], message: str, entries: Iterable[Entry]
    ) -> Isolated:
        keys = tuple(entry.key for entry in entries)
        ids = {self.link[key].fluix_id for key in keys if key in self.link}
        addresses = {self.entry[key].shaped.email for key in keys}
        ids |= {there.fluix_id for address, there in self.by_address.items() if address in addresses}
        self.claimed |= ids
        return Isolated(check, message, keys, tuple(sorted(ids)))

    def _order(self, entry: Entry) -> tuple[int, RecordKey]:
        return self.rank.get(entry.key.source, len(self.rank)), entry.key


def _merge(entries: Sequence[Entry]) -> Wanted:
    """One person from several sources: attributes of the first, groups of all."""
    wanteds = [entry.shaped.wanted for entry in entries if entry.shaped.wanted]
    first = wanteds[0]
    if len(wanteds) == 1:
        return first
    groups = {normalise_name(name): name for wanted in reversed(wanteds) for name in wanted.groups}
    return Wanted(first.email, first.display_name, tuple(sorted(groups.values())))


def _names(names: Sequence[str], most: int = 5) -> str:
    """`a, b and 3 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
