"""What an LLM writes, cut into sentences with the numbers that they cite, while it arrives."""

import re

import pytest
from cases import each_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.generation import draft as draft_module
from ragqa.generation.draft import drafted_from


def drafted(text, cut=None):
    step = cut or len(text) or 1
    return list(drafted_from(text[start : start + step] for start in range(0, len(text), step)))


@each_of("drafts")
def test_a_draft_is_cut_into_sentences_with_what_leads_to_them_and_the_numbers_they_cite(
    text, sentences
):
    assert [[one.lead, one.text, [*one.numbers]] for one in drafted(text)] == sentences


def test_marks_that_a_sentence_is_built_around_are_known_with_their_places():
    (one,) = drafted("According to [1], cats sleep [2].")
    assert (one.text, one.numbers) == ("According to, cats sleep.", (1, 2))
    assert one.parts({1, 2}) == ("According to", " ", 1, ", cats sleep.")
    assert one.parts({2}) == ("According to", ", cats sleep.")
    (one,) = drafted("[1] says that cats sleep.")
    assert (one.text, one.parts({1})) == ("says that cats sleep.", (1, " says that cats sleep."))


@pytest.mark.parametrize("text", [" ", "`a` [1] ", "a. ", "[1](", "| a "])
def test_much_of_one_thing_is_read_in_steps_of_bounded_size(text, monkeypatch):
    seen = []
    spans = draft_module.sentence_spans
    monkeypatch.setattr(
        draft_module, "sentence_spans", lambda part: seen.append(len(part)) or spans(part)
    )
    drafted("Cats sleep [1]. " + text * (5_000 // len(text)), 20)
    assert max(seen) <= draft_module.MAX_CHARS + 20


def test_a_sentence_is_given_as_soon_as_the_next_one_has_begun():
    fed = []
    pieces = ("Cats sleep [1]. Dog", "s bark", " at Mr. ")
    sentences = drafted_from(fed.append(piece) or piece for piece in pieces)
    assert next(sentences).text == "Cats sleep."
    assert fed == [*pieces[:2]]
    assert [sentence.text for sentence in sentences] == ["Dogs bark at Mr."]


PIECES = st.sampled_from(
    ["Cats sleep. ", "Dogs (e.g. ours) bark", "[1]", " [2, 3]", ".", " ", "\n", "- ", "2. ",
     "`x[1]`", "```\n", "\u3002", "[", "]", '"', "https://a.b/c", "caf\u00e9 ", "**B**"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join)))
def test_no_letter_is_lost_or_added(text):
    letters = re.sub(r"[\[\u3010][^\[\]\u3010\u3011]*[\]\u3011](\([^)\s]*\))?", "", text)
    kept = "".join(one.lead + one.text for one in drafted(text))
    for character in {c for c in letters if c.isalpha()}:
        assert kept.count(character) >= letters.count(character)
    assert len(kept) <= len(text) + text.count("]")


@given(st.lists(PIECES, max_size=20).map("".join), st.integers(1, 9))
def test_it_does_not_matter_where_the_text_is_cut(text, cut):
    text = text.replace("\n", "\r\n")
    whole, pieces = drafted(text), drafted(text, cut)
    assert "".join(one.lead.strip(" ") for one in whole) == "".join(
        one.lead.strip(" ") for one in pieces
    )
    assert {n for one in pieces for n in one.numbers} == {n for one in whole for n in one.numbers}
    joined, others = (
        "".join("".join(one.text.split()) for one in each) for each in (whole, pieces)
    )
    assert joined == others
