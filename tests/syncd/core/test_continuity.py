"""Whether a run goes on from where the last one ended: by the clock, and by the store."""

from datetime import timedelta

import pytest

from syncd.core.continuity import Doubt, Witness, behind, clock, findings, standing, unknown_deeds, usual
from syncd.core.plan import Plan
from tests.syncd.core.build import NOW, deletions, held, judge

DAY = timedelta(days=1)
HOURLY = [NOW - timedelta(hours=number) for number in range(1, 6)]


def doubt(check="clock", until=NOW + DAY):
    return Doubt(check, "something was seen", until)


@pytest.mark.parametrize(
    ("later", "is_doubted"),
    [
        (timedelta(days=-365), True),
        (timedelta(minutes=-6), True),
        (timedelta(minutes=-5), False),
        (timedelta(0), False),
        (timedelta(days=30), False),
        (timedelta(days=30, seconds=1), True),
        (timedelta(days=365), True),
    ],
)
def test_a_clock_that_jumped(later, is_doubted):
    found = clock(NOW + later, [NOW], DAY)
    assert (found is not None) == is_doubted
    if found:
        assert (found.check, found.until) == ("clock", NOW + later + DAY)


def test_the_clock_says_both_times():
    assert clock(NOW - 2 * DAY, [NOW], DAY).message == (
        "this run began at 2026-03-08 12:00 UTC, before the last one (2026-03-10 12:00 UTC): the clock was set back"
    )
    assert clock(NOW + 40 * DAY, [NOW], DAY).message == (
        "this run began at 2026-04-19 12:00 UTC, 40 days after the last one (2026-03-10 12:00 UTC): "
        "nothing was read meanwhile"
    )


def test_the_first_run_has_no_clock_to_be_held_against():
    assert clock(NOW, [], DAY) is None


def test_where_a_run_is_rare_a_long_time_is_usual():
    quarterly = [NOW - number * 90 * DAY for number in range(1, 6)]
    assert clock(NOW, quarterly, DAY) is None
    assert clock(NOW + 300 * DAY, quarterly, DAY) is not None


def test_the_usual_time_needs_some_runs():
    assert usual(HOURLY[:3]) is None
    assert usual(HOURLY[:4]) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("witness", "last_run", "digest", "said"),
    [
        (None, 9, None, ""),
        (Witness(9, 5, "aa"), 9, "aa", ""),
        (Witness(9, 5, "aa"), 12, "aa", ""),
        (Witness(9, 0, ""), 9, None, ""),
        (Witness(57, 5, "aa"), 0, None, ""),
        (Witness(57, 5, "aa"), 40, "aa", "the store knows runs up to r40, and r57 was made: it is an older copy"),
        (
            Witness(57, 5, "aa"),
            57,
            "bb",
            "the store's audit is not the one that run r57 ended with: it is another copy",
        ),
        (
            Witness(57, 5, "aa"),
            60,
            None,
            "the store's audit is not the one that run r57 ended with: it is another copy",
        ),
    ],
    ids=["no note", "as noted", "further on", "no audit yet", "a new store", "older", "another", "shorter"],
)
def test_a_store_that_is_older_than_the_note_beside_it(witness, last_run, digest, said):
    found = behind(witness, last_run, digest, NOW, 7 * DAY)
    assert (found.message.partition(", and what was done since")[0] if found else "") == said
    assert found is None or (found.check, found.until) == ("restored", NOW + 7 * DAY)


def test_deeds_of_others_after_an_unusual_silence_are_the_sign_of_an_older_copy():
    silent = [begun - 3 * DAY for begun in HOURLY]
    found = unknown_deeds(NOW, silent, 2, 1, DAY)
    assert (found.check, found.until) == ("restored", NOW + DAY)
    assert found.message == (
        "since the last run that the store knows (2026-03-07 11:00 UTC) 2 accounts of new people appeared and 1 of ours "
        "vanished: it may be an older copy"
    )
    assert unknown_deeds(NOW, silent, 0, 1, DAY) is not None


@pytest.mark.parametrize(
    ("before", "appeared"),
    [([begun - 3 * DAY for begun in HOURLY], 0), (HOURLY, 5), ([], 5), ([NOW - 9 * DAY], 5)],
    ids=["nothing was done", "no silence", "the first run", "too few runs to know what is usual"],
)
def test_nothing_is_made_of_less(before, appeared):
    assert unknown_deeds(NOW, before, appeared, 0, DAY) is None


def test_where_a_run_is_rare_deeds_of_others_are_usual():
    assert unknown_deeds(NOW, [NOW - number * 7 * DAY for number in range(1, 6)], 5, 0, DAY) is None


def test_a_doubt_lasts_until_its_time_and_a_new_one_takes_its_place():
    old, over = doubt(), doubt("restored", NOW)
    assert standing([old, over], [], NOW, DAY) == [old]
    new = doubt(until=NOW + 7 * DAY)
    assert standing([old], [new], NOW, DAY) == [new]


def test_a_clock_that_was_set_back_makes_no_doubt_longer():
    assert standing([doubt("restored", NOW + 400 * DAY)], [], NOW, 7 * DAY) == [doubt("restored", NOW + 7 * DAY)]


def test_it_holds_deletions_and_nothing_else():
    reviewed = judge(deletions(2), doubts=[doubt("restored")])
    assert held(reviewed) == {made.key for made in deletions(2)}
    assert reviewed.findings[0].message == (
        "something was seen. Deletions are held until 2026-03-11 12:00 UTC, or until somebody approves"
    )


def test_without_deletions_it_is_but_worth_knowing():
    (finding,) = findings([doubt()], Plan.of([]))
    assert (finding.check, finding.decision.word, finding.changes) == ("clock", "proceed", ())
