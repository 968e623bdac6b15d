"""Two names side by side: what they share and what each has alone."""

from matcher.proposals.alignment import align, likeness


def left_over(one: str, other: str) -> tuple[list[str], list[str]]:
    found = align(one.split(), other.split())
    return found.left, found.right


def test_the_words_that_tell_two_firms_apart_are_left_over() -> None:
    assert left_over("smith plumbing", "smith painting") == (["plumbing"], ["painting"])


def test_word_order_does_not_matter() -> None:
    assert left_over("dental contoso", "contoso dental") == ([], [])


def test_a_misspelt_word_is_shared() -> None:
    assert left_over("contoso plumbng", "contoso plumbing") == ([], [])
    assert left_over("contoso plubming", "contoso plumbing") == ([], [])


def test_a_shortened_word_is_shared() -> None:
    assert left_over("contoso mgmt", "contoso management") == ([], [])
    assert left_over("contoso constr", "contoso construction") == ([], [])


def test_joined_words_are_shared() -> None:
    assert left_over("contoso dentalcare", "contoso dental care") == ([], [])
    assert left_over("contosodental care", "contoso dental care") == ([], [])


def test_initials_are_shared_with_the_words_they_stand_for() -> None:
    found = align(["ibm"], ["international", "business", "machine"])
    assert (found.left, found.right, found.by_initials) == ([], [], True)


def test_a_word_counts_as_often_as_it_occurs_in_both() -> None:
    assert left_over("york york bakery", "york bakery") == (["york"], [])


def test_words_with_figures_are_never_misspelt() -> None:
    assert likeness("plan1", "plan2") == 0
    assert likeness("1", "2") == 0


def test_two_words_that_everybody_knows_are_no_slips_of_each_other() -> None:
    assert left_over("contoso northern", "contoso southern") == (["northern"], ["southern"])
    assert left_over("smith painting", "smith printing") == (["painting"], ["printing"])
