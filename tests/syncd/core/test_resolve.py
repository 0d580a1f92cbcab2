from syncd.core.humans import Isolated, Leaver, Present
from syncd.core.resolve import resolve
from tests.syncd.core.build import ANNA, account, cluster, entry, key, link

BOB = "bob@example.com"


def only(*parts, **more):
    """The one verdict of this cluster."""
    (verdict,) = verdicts(*parts, **more)
    return verdict


def verdicts(*parts, adopt=True, precedence=(), **more):
    return resolve(cluster(*parts, **more), adopt=adopt, precedence=precedence)


def isolated(verdict, check, *accounts):
    assert isinstance(verdict, Isolated)
    assert (verdict.check, verdict.accounts) == (check, accounts)
    return True


# --- one record ---------------------------------------------------------------------------------------------------


def test_a_new_person_has_no_account_yet():
    e1 = entry("people/E1")
    assert only(e1) == Present(e1.shaped.wanted, (e1,))


def test_a_record_that_asks_for_nothing_and_owns_nothing_says_nothing():
    assert verdicts(entry("people/E1", out="is not active")) == []
    assert verdicts(entry("people/E1", gone=True)) == []
    assert verdicts() == []


def test_a_linked_person_has_the_linked_account():
    e1, l1, f1 = entry("people/E1"), link("people/E1"), account()
    assert only(e1, l1, f1) == Present(e1.shaped.wanted, (e1,), (l1,), f1)


def test_a_changed_email_is_still_the_same_account():
    verdict = only(entry("people/E1", "anna.new@example.com"), link("people/E1"), account())
    assert (verdict.account, verdict.wanted.email) == (account(), "anna.new@example.com")


def test_an_account_that_is_there_already_is_adopted_by_its_address():
    verdict = only(entry("people/E1", "Anna@Example.com"), account())
    assert (verdict.account, verdict.adopt, verdict.links, verdict.replaces) == (account(), (key("people/E1"),), (), ())


def test_with_adopt_never_an_account_that_is_not_ours_is_left_alone():
    verdict = only(entry("people/E1"), account(), adopt=False)
    assert isolated(verdict, "not_ours")
    assert verdict.records == (key("people/E1"),)


def test_with_adopt_never_a_linked_account_is_still_ours():
    assert only(entry("people/E1"), link("people/E1"), account(), adopt=False).account == account()


def test_an_address_that_another_account_holds_is_waited_for():
    parts = entry("people/E1", BOB), link("people/E1"), account(), account("f2", BOB, "Bob")
    verdict = only(*parts)
    assert isolated(verdict, "taken", "f1")
    assert "another account (Bob) holds" in verdict.message


def test_a_new_person_waits_for_an_address_that_somebody_alive_still_holds():
    parts = entry("people/E1", "carl@example.com"), link("people/E1"), account(email=BOB), entry("people/E2", BOB)
    first, second = verdicts(*parts)
    assert isinstance(first, Present)
    assert isolated(second, "taken")
    assert second.records == (key("people/E2"),)


# --- deleted in Fluix by hand -------------------------------------------------------------------------------------


def test_an_account_that_vanished_is_named():
    verdict = only(entry("people/E1"), link("people/E1"))
    assert (verdict.account, verdict.vanished) == (None, "f1")


def test_an_account_that_vanished_and_was_made_again_by_hand_is_adopted():
    verdict = only(entry("people/E1"), link("people/E1", "f0"), account())
    assert (verdict.account, verdict.adopt, verdict.vanished) == (account(), (key("people/E1"),), None)


def test_an_account_that_was_made_again_by_hand_is_left_alone_with_adopt_never():
    assert isolated(only(entry("people/E1"), link("people/E1", "f0"), account(), adopt=False), "not_ours")


def test_a_leaver_without_an_account_is_nobodys_business():
    assert verdicts(entry("people/E1", gone=True), link("people/E1")) == []


# --- another key, the same address --------------------------------------------------------------------------------


def test_a_changed_key_with_the_same_email_is_a_question():
    verdict = only(entry("people/E1", gone=True), link("people/E1"), entry("people/E9"), account())
    assert (verdict.account, verdict.replaces) == (account(), (key("people/E1"),))
    assert verdict.records == (key("people/E9"),)


def test_a_changed_key_is_a_question_with_adopt_never_too():
    assert only(entry("people/E1", gone=True), link("people/E1"), entry("people/E9"), account(), adopt=False).replaces


def test_a_record_of_another_source_goes_on_with_the_account():
    verdict = only(entry("people/E1", out="is not active"), link("people/E1"), entry("ad/7"), account())
    assert (verdict.account, verdict.replaces, verdict.adopt) == (account(), (), (key("ad/7"),))


def test_a_changed_key_is_a_question_even_when_the_account_has_another_address():
    """The email of the two *records* is the same; that of the account was changed by hand, or its change is held."""
    parts = entry("people/E1", gone=True), link("people/E1"), entry("people/E9"), account(email="a.berg@example.com")
    verdict = only(*parts)
    assert (verdict.account.email, verdict.replaces) == ("a.berg@example.com", (key("people/E1"),))


def test_who_alive_still_owns_an_account_keeps_it_from_a_new_key():
    parts = entry("people/E1", gone=True), link("people/E1"), entry("ad/7", BOB), link("ad/7"), account(email=BOB)
    for precedence in (["ad", "people"], ["people", "ad"]):
        found = {
            verdict.records: verdict.account for verdict in verdicts(*parts, entry("people/E9"), precedence=precedence)
        }
        assert found == {(key("ad/7"),): account(email=BOB), (key("people/E9"),): None}


def test_an_account_that_an_unclear_record_owns_is_not_left_behind():
    parts = entry("people/E1", gone=True), link("people/E1"), entry("ad/7", None, problem="x"), link("ad/7")
    for precedence in (["ad", "hr"], ["hr", "ad"]):
        found = verdicts(*parts, entry("hr/9"), account(email=BOB), precedence=precedence)
        assert {(verdict.check, verdict.accounts) for verdict in found} == {("unreadable", ("f1",)), ("taken", ())}


def test_an_account_that_goes_on_with_somebody_else_is_not_left_behind_as_well():
    parts = entry("people/E1", gone=True), link("people/E1"), account(email=BOB), entry("ad/7", BOB)
    first, second = verdicts(*parts, entry("people/E9"), precedence=["ad", "people"])
    assert (first.records, first.account) == ((key("ad/7"),), account(email=BOB))
    assert (second.records, second.account) == ((key("people/E9"),), None)


def test_of_several_dead_records_the_first_whose_account_is_still_there_is_asked_about():
    """In whatever order the store gives them: the question is in the digest."""
    one, two, three = (entry(f"people/E{n}", gone=True) for n in (1, 2, 3))
    owned = link("people/E1", "f0"), link("people/E2", "f2"), link("people/E3", "f3")
    there = account("f2", "b@x.example"), account("f3", "c@x.example")
    for dead in ([one, two, three], [three, two, one]):
        first, *rest = verdicts(*dead, *owned, *there, entry("people/E9"))
        assert first.replaces == (key("people/E2"),)
        assert [verdict.account.fluix_id for verdict in rest] == ["f3"]


def test_an_account_whose_record_is_not_in_the_store_is_not_taken_over_in_silence():
    for new in ("people/E9", "ad/7"):
        verdict = only(link("people/E1"), entry(new), account())
        assert verdict.replaces == (key("people/E1"),)
    assert verdicts(link("people/E1"), account()) == []


def test_dead_records_of_an_account_are_behind_it_too():
    dead, alive = entry("ad/7", gone=True), entry("people/E1")
    verdict = only(dead, alive, link("ad/7"), link("people/E1"), account())
    assert (verdict.past, verdict.records) == ((dead,), (key("people/E1"),))
    assert verdict.all_records == (key("people/E1"), key("ad/7"))
    assert only(dead, link("ad/7"), alive, account()).past == (dead,)


def test_an_address_that_fluix_holds_twice_is_not_decided_by_a_program():
    parts = entry("people/E1", gone=True), link("people/E1"), account(), account("f2", "Anna@Example.com")
    verdict = only(*parts)
    assert isinstance(verdict, Isolated)
    assert verdict.check == "conflict"
    assert verdict.message == "Fluix holds an address twice, among Anna@Example.com, anna@example.com: mend it there"


# --- several records of one human ---------------------------------------------------------------------------------


def test_two_sources_make_one_human_with_the_attributes_of_the_first_and_the_groups_of_both():
    e1 = entry("people/E1", name="Anna of HR", groups=["Field", "HR"])
    e2 = entry("ad/7", "ANNA@example.com", name="anna of ad", groups=["field", "Staff"])
    first = only(e1, e2, precedence=["people", "ad"])
    assert (first.wanted.email, first.wanted.display_name, first.wanted.groups) == (
        ANNA,
        "Anna of HR",
        ("Field", "HR", "Staff"),
    )
    assert first.records == (key("people/E1"), key("ad/7"))
    other = only(e1, e2, precedence=["ad", "people"])
    assert (other.wanted.display_name, other.wanted.groups) == ("anna of ad", ("HR", "Staff", "field"))


def test_a_source_without_precedence_comes_last_and_then_by_key():
    assert only(entry("a/1"), entry("z/1"), precedence=["z"]).records == (key("z/1"), key("a/1"))
    assert only(entry("z/1"), entry("a/1")).records == (key("a/1"), key("z/1"))


def test_a_second_source_that_is_not_linked_yet_is_adopted():
    verdict = only(entry("people/E1"), link("people/E1"), entry("ad/7"), account(), precedence=["people", "ad"])
    assert (verdict.links, verdict.adopt) == ((link("people/E1"),), (key("ad/7"),))


def test_two_records_of_one_account_are_one_human_whatever_their_addresses():
    verdict = only(entry("people/E1"), link("people/E1"), entry("ad/7", BOB), link("ad/7"), account())
    assert set(verdict.records) == {key("people/E1"), key("ad/7")}


def test_a_record_that_shares_an_account_with_one_and_an_address_with_another_joins_them():
    parts = entry("a/1"), link("a/1"), entry("b/1", BOB), entry("c/1", BOB), link("c/1"), account()
    assert only(*parts).records == (key("a/1"), key("b/1"), key("c/1"))


def test_one_record_of_two_that_is_alive_keeps_the_account():
    parts = entry("people/E1"), entry("ad/7", gone=True), link("people/E1"), link("ad/7"), account()
    verdict = only(*parts)
    assert isinstance(verdict, Present)
    assert verdict.records == (key("people/E1"),)


def test_two_records_of_one_source_with_one_address_pin_the_account():
    verdict = only(entry("people/E1"), link("people/E1"), entry("people/E2"), account())
    assert isolated(verdict, "conflict", "f1")
    assert verdict.message.startswith("people/E1, people/E2 share the address anna@example.com: ")


def test_many_records_of_one_address_are_named_in_short():
    message = only(*(entry(f"people/E{n}") for n in range(8))).message
    assert message.startswith("people/E0, people/E1, people/E2, people/E3, people/E4 and 3 more share")


def test_a_conflict_keeps_the_account_of_a_leaver_with_that_address():
    parts = entry("people/E1", gone=True), link("people/E1"), entry("people/E2"), entry("people/E3"), account()
    assert isolated(only(*parts), "conflict", "f1")


def test_one_human_with_two_accounts_is_not_decided_by_a_program():
    parts = entry("people/E1"), link("people/E1"), entry("ad/7"), link("ad/7", "f2"), account(), account("f2", BOB)
    verdict = only(*parts)
    assert isolated(verdict, "conflict", "f1", "f2")
    assert "own 2 accounts" in verdict.message


# --- records that cannot be judged --------------------------------------------------------------------------------


def test_a_record_that_cannot_be_worked_out_pins_its_account():
    verdict = only(entry("people/E1", problem="no scope"), link("people/E1"), account())
    assert isolated(verdict, "unreadable", "f1")
    assert verdict.message == "people/E1: no scope"


def test_a_record_that_cannot_be_worked_out_pins_the_account_of_its_address():
    parts = entry("people/E1", gone=True), link("people/E1"), entry("people/E2", problem="x"), account()
    assert isolated(only(*parts), "unreadable", "f1")


def test_a_record_without_an_address_pins_its_account():
    assert isolated(only(entry("people/E1", None, problem="x"), link("people/E1"), account()), "unreadable", "f1")


def test_an_unclear_record_of_one_source_pins_the_human_of_all():
    parts = entry("people/E1"), link("people/E1"), entry("ad/7", problem="x"), account()
    verdict = only(*parts)
    assert isolated(verdict, "unreadable", "f1")
    assert set(verdict.records) == {key("people/E1"), key("ad/7")}


def test_an_unclear_record_keeps_the_account_that_it_owns_with_others_that_are_gone():
    parts = entry("people/E1", gone=True), link("people/E1"), entry("ad/7", None, problem="x"), link("ad/7"), account()
    assert isolated(only(*parts), "unreadable", "f1")


def test_an_unclear_record_that_is_gone_is_gone():
    (verdict,) = verdicts(entry("people/E1", problem="x", gone=True), link("people/E1"), account())
    assert isinstance(verdict, Leaver)


def test_the_account_of_an_unclear_record_is_not_taken_over_by_another_source():
    """The record's address could not be made out, so only the link holds it to its account."""
    parts = entry("people/E1", None, problem="x"), link("people/E1"), entry("ad/7"), account()
    pinned = {name for verdict in verdicts(*parts) if isinstance(verdict, Isolated) for name in verdict.accounts}
    taken = {
        verdict.account.fluix_id for verdict in verdicts(*parts) if isinstance(verdict, Present) and verdict.account
    }
    assert pinned == {"f1"}
    assert not taken & pinned


# --- pinned -------------------------------------------------------------------------------------------------------


def test_a_record_that_a_skipped_row_might_have_meant_pins_the_whole_cluster():
    parts = entry("people/E1", gone=True, pinned=True), link("people/E1"), entry("people/E2", BOB), account()
    verdict = only(*parts)
    assert isolated(verdict, "pinned", "f1")
    assert verdict.records == (key("people/E1"), key("people/E2"))
    assert verdict.message == "a row that could not be read might have meant people/E1: left as it is"


def test_an_address_that_a_skipped_row_might_have_meant_pins_by_account():
    parts = entry("people/E1", BOB, gone=True), link("people/E1"), account()
    assert isolated(only(*parts, pinned_addresses=[ANNA]), "pinned", "f1")


def test_an_address_that_a_skipped_row_might_have_meant_pins_by_record():
    parts = entry("people/E1", "Anna@example.com", gone=True), link("people/E1"), account(email=BOB)
    verdict = only(*parts, pinned_addresses=[ANNA])
    assert isolated(verdict, "pinned", "f1")
    assert "people/E1" in verdict.message


def test_a_pinned_record_is_named_once():
    verdict = only(entry("people/E1", pinned=True), pinned_addresses=[ANNA])
    assert verdict.message.count("people/E1") == 1


def test_another_pinned_address_pins_nobody_here():
    assert isinstance(only(entry("people/E1"), pinned_addresses=[BOB]), Present)


# --- leavers ------------------------------------------------------------------------------------------------------


def test_a_person_who_is_gone_is_a_leaver():
    e1, l1 = entry("people/E1", gone=True), link("people/E1")
    assert only(e1, l1, account()) == Leaver(account(), (l1,), (e1,), "people/E1 is gone from its source")


def test_a_person_who_is_inactive_or_out_of_scope_is_a_leaver():
    for out in ("is not active", "is out of scope"):
        verdict = only(entry("people/E1", out=out), link("people/E1"), account())
        assert isinstance(verdict, Leaver)
        assert verdict.reason == f"people/E1 {out}"


def test_a_leaver_of_two_sources_has_two_reasons():
    parts = (
        entry("ad/7", out="is not active"),
        entry("people/E1", gone=True),
        link("ad/7"),
        link("people/E1"),
        account(),
    )
    assert only(*parts).reason == "ad/7 is not active; people/E1 is gone from its source"


def test_nobody_leaves_while_a_linked_record_is_not_in_the_store():
    assert verdicts(entry("people/E1", gone=True), link("people/E1"), link("ad/7"), account()) == []


def test_an_account_that_is_not_linked_is_never_a_leaver():
    assert verdicts(entry("people/E1", gone=True), account()) == []


def test_a_leaver_is_told_from_the_person_who_waits_for_the_address():
    parts = (
        entry("people/E1", gone=True),
        link("people/E1"),
        account(),
        entry("people/E2"),
        link("people/E2", "f2"),
        account("f2", BOB),
    )
    first, second = verdicts(*parts)
    assert isolated(first, "taken", "f2")
    assert isinstance(second, Leaver)
    assert second.account.fluix_id == "f1"


def test_a_leaver_of_two_sources_is_the_same_in_whatever_order_the_store_gives_the_links():
    """The order of a change's records is in the digest: another order would void an approval."""
    one, two = link("ad/7"), link("people/E1")
    entries = entry("ad/7", gone=True), entry("people/E1", gone=True)
    assert only(*entries, one, two, account()) == only(*entries, two, one, account())
