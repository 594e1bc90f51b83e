"""Which headings state a fact."""

import pytest
from cases import rows

from ragqa.text.shown import states_fact


def test_most_headings_that_state_a_fact_are_told_from_those_that_name_a_topic():
    headings = rows("headings")
    told = [states_fact(each["heading"]) for each in headings if each["states"]]
    named = [states_fact(each["heading"]) for each in headings if not each["states"]]
    assert (len(told), len(named)) == (30, 30)
    assert sum(told) >= 22
    assert sum(named) <= 2


@pytest.mark.parametrize("heading", ["## No phones at the table", "Bank: DKB", "Rent is 300 €"])
def test_a_statement_is_a_fact(heading):
    assert states_fact(heading)


@pytest.mark.parametrize("heading", ["## Where the passports are", "Is it open?", "Opening hours"])
def test_a_question_or_a_topic_is_none(heading):
    assert not states_fact(heading)
