"""Excerpts as citations, and the text of an answer."""

from dataclasses import replace

import pytest
from cases import each_of
from excerpting import asked, composed
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.answering import Evidence, cite, text_of
from ragqa.answering.answer_type import place_of_answer
from ragqa.answering.excerpt import MOST_EXCERPTS
from ragqa.types import Cut, Dated


def cited(text, best, question="what is it like", **how):
    """The text of an answer from one note, and its citation."""
    scores = {"; blue": 0.2, best: 1.0}
    (found,) = composed(question, {"a.md": text}, scores, **how)
    said, citation = text_of([found]), cite(found, 1)
    assert text[slice(*citation.chars)] == citation.quote
    return said, citation


@each_of("endings")
def test_an_excerpt_ends_with_its_number_and_a_sentence_with_an_end_mark(text, said):
    assert cited(f"# A\n\n{text}\n", "Red", "which ones", holds=1.0)[0] == said


def test_several_excerpts_are_numbered_and_apart():
    notes = {"a.md": "# Fig\n\nThe fig is red\n", "b.md": "# Pear\n\n- The pear\n- is not\n"}
    scores = {"fig": 1.0, "pear": 0.9, "is not": 0.9}
    found = composed("fig vs pear", notes, scores)
    text, citations = text_of(found), [cite(one, n) for n, one in enumerate(found, 1)]
    assert text == "The fig is red. [1]\n\n- The pear\n- is not\n[2]"
    assert [(one.n, one.path, one.heading) for one in citations] == [
        (1, "a.md", ("Fig",)),
        (2, "b.md", ("Pear",)),
    ]


@pytest.mark.parametrize(
    ("best", "heading"), [("Rent", ("Flat",)), ("Ask Bo", ("Flat", "Contact"))]
)
def test_a_heading_is_cited_below_the_headings_above_it_alone(best, heading):
    text = "# Flat\n\n## Deposit is 9.\n\n## Rent is 5.\n\n## Contact\n\nAsk Bo.\n"
    assert cited(text, best)[1].heading == heading


NOTE = "---\ndate: 2021-05-01\n---\n\n# A\n\n## B\n\nThese are they:\n\n- red\n- blue\n- green\n"


def test_a_citation_tells_its_lines_units_and_what_of_it_answers():
    _, one = cited(NOTE, "blue", "which ones are they")
    assert one.quote == NOTE[NOTE.index("These") :].strip()
    assert one.lines == (9, 13)
    assert one.heading == ("A", "B")
    assert [NOTE[unit.start : unit.end] for unit in one.units] == [
        "These are they:",
        "- red",
        "- blue",
        "- green",
    ]
    assert [NOTE[slice(*span)] for span in one.answer_spans] == ["- blue"]
    assert one.cut == Cut(False, False)


def test_a_citation_of_one_item_is_that_and_tells_that_its_list_goes_on():
    said, one = cited(NOTE, "blue", "who is blue")
    assert (one.quote, one.lines) == ("- blue", (12, 12))
    assert one.context == "These are they:"
    assert one.cut == Cut(True, True)
    assert said == "These are they: blue. [1]"


def test_the_score_and_date_are_those_of_the_sentence_that_answers():
    excerpts = composed("who is blue", {"a.md": NOTE}, {"; blue": 0.2, "blue": 0.75})
    for old_before, old in [("", False), ("2021-05-01", False), ("2021-05-02", True)]:
        one = cite(excerpts[0], 1, Evidence((), {}, {"a.md": Dated()}, old_before=old_before))
        assert (one.score, one.note_date, one.old) == (0.75, "2021-05-01", old)


def test_a_list_that_answers_as_a_whole_answers_as_far_as_it_is_shown():
    items = "".join(f"- {n} is one of a list that is too long to be shown\n" for n in range(25))
    text = f"# A\n\nThese are they:\n\n{items}"
    _, one = cited(text, "These are they: ", "which ones are they")
    assert one.cut == Cut(False, True)
    assert one.answer_spans == (one.chars,)


SAID = st.sampled_from(
    [
        *("Fig is red.", "Fig is [blue](b.md)", "- **pear** is", "  - nested", "## Fig", "%%no%%"),
        "| a |\n|---|\n| fig |",
    ]
)


@trying(60)
@given(
    st.lists(SAID, min_size=1, max_size=6),
    st.sampled_from(["\n", "\n\n", "\r\n\r\n"]),
    st.sampled_from(["fig vs pear", "which figs are red", "who is blue", "what is a fig"]),
    st.dictionaries(st.sampled_from(["red", "pear", "nested", "Fig"]), st.floats(0, 1)),
)
def test_excerpts_of_any_notes_are_cited_exactly_and_apart(blocks, gap, question, scores):
    notes = {"a.md": gap.join(["# A", "Fig.", *blocks]), "b.md": "# B\n\nThe pear is green.\n"}
    found = composed(question, notes, scores)
    text, citations = text_of(found), [cite(one, n) for n, one in enumerate(found, 1)]
    assert 1 <= len(citations) <= MOST_EXCERPTS
    assert [one.n for one in citations] == list(range(1, len(citations) + 1))
    for one in citations:
        note, (start, end) = notes[one.path], one.chars
        assert note[start:end] == one.quote
        first = note.count("\n", 0, start) + 1
        assert one.lines == (first, first + one.quote.count("\n"))
        assert (one.units[0].start, one.units[-1].end) == (start, end)
        assert all(start <= begin < stop <= end for begin, stop in one.answer_spans)
        assert len(one.answer_spans) == 1
        assert text.count(f"[{one.n}]") == 1
        assert "no" not in one.quote
        others = [each.chars for each in citations if each is not one and each.path == one.path]
        assert all(end <= begin or stop <= start for begin, stop in others)


def marked(text, question):
    """The citation of a note whose short answer is marked; nothing else of it is changed."""
    (found,) = composed(question, {"a.md": f"# A\n\n{text}\n"}, {"so": 1.0, "wrote": 1.0})
    after = cite(found, 1, short=place_of_answer(asked(question), found))
    assert replace(after, span=None) == cite(found, 1)
    return after


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("It is red. And so it was in 2009. It is blue.", "2009"),
        # What the quote has in marks, or twice, is not marked.
        ("It was so in **May** 2009 then.", None),
        ("In [2009](2009.md) it was so.", None),
    ],
)
def test_what_answers_directly_is_marked_within_its_excerpt(text, short):
    citation = marked(text, "when was it")
    assert (citation.short_answer and citation.short_answer.text) == short
