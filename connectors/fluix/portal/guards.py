"""Whether an export is believed: is it of the same account, newer than the last one, and whole? Pure.

An export of another account, or half of one, looks like a company that left. Nothing is concluded from it, and nothing of
it is kept.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from connectors.errors import RefusedError
from connectors.fluix.portal.book import LastExport
from connectors.fluix.portal.export import Export
from connectors.fluix.portal.settings import ExportSettings

_AHEAD = timedelta(days=1)
"""So far the clocks of two machines may be apart."""
_FEW = 10
"""Below so many users a share says nothing: one who leaves would be many percent."""


def require_believable(
    export: Export,
    last: LastExport | None,
    before: Collection[str],
    leaving: Collection[str],
    *,
    settings: ExportSettings,
    now: datetime,
) -> None:
    """Refuse an export that is not to be believed.

    Args:
        export: the new one.
        last: the one that was read last; None before the first.
        before: the addresses (as compared) of that one.
        leaving: those of them whose deletion or change of address was ordered: that they are missing is as it should be.
        settings: the operator's measures.
        now: the time.

    Raises:
        RefusedError: with the reason, in numbers.
    """
    new = export.last
    where = str(settings.folder / new.file)
    if new.dated_at > now + _AHEAD:
        raise RefusedError(
            f"the export {new.file} is of {new.dated_at:%Y-%m-%d %H:%M} UTC, which is yet to come",
            where=where,
            cure="correct the file's date, or the clock of this machine",
        )
    if now - new.dated_at > settings.max_age:
        days = (now - new.dated_at) / timedelta(days=1)
        raise RefusedError(
            f"the export {new.file} is {days:.1f} days old, over target.max_age_days {settings.max_age.days:g}",
            where=where,
            cure="export all users anew: what happened in Fluix since then is not known",
        )
    if last is None:
        return
    if new.dated_at < last.dated_at:
        raise RefusedError(
            f"the export {new.file} ({new.dated_at:%Y-%m-%d %H:%M} UTC) is older than {last.file} "
            f"({last.dated_at:%Y-%m-%d %H:%M} UTC), which was read already",
            where=where,
            cure="put the newest export into the folder",
        )
    if last.final_break and not new.final_break:
        raise RefusedError(
            f"the export {new.file} does not end its last line, and {last.file} did: it may have been cut",
            where=where,
            cure="export all users anew",
        )
    _require_same(export, before, leaving, settings, where)


def _require_same(
    export: Export, before: Collection[str], leaving: Collection[str], settings: ExportSettings, where: str
) -> None:
    staying = set(before) - set(leaving)
    kept = sum(address in export.rows for address in staying)
    if not staying:
        return
    if kept * 100 < settings.min_overlap_percent * len(staying):
        raise RefusedError(
            f"only {kept} of the {len(staying)} users of the last export are in {export.last.file} "
            f"({kept * 100 / len(staying):.1f} %, under target.min_overlap_percent {settings.min_overlap_percent:g}): is it "
            "of another account, or of ticked users only?",
            where=where,
            cure="export all users of this account; if they really changed so much, lower the setting for this one time",
        )
    lost = len(staying) - kept
    if len(staying) >= _FEW and lost * 100 > settings.max_shrink_percent * len(staying):
        raise RefusedError(
            f"{lost} of the {len(staying)} users of the last export are missing in {export.last.file} and were not to leave "
            f"({lost * 100 / len(staying):.1f} %, over target.max_shrink_percent {settings.max_shrink_percent:g})",
            where=where,
            cure="export all users anew; if they really left, raise the setting for this one time",
        )
