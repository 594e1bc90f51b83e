"""What a tool says: whole hits up to a size, and the data of what the text shows."""

from dataclasses import replace

import pytest
from hypothesis import given
from soup import NASTY, tokens_of
from support import make_answer

from ragqa.lookup import NotePart
from ragqa.passages import token_counts
from ragqa.render import document_of
from ragqa.render.as_markdown import TextPart
from ragqa.safe import safe_text
from ragqa.saved import defused
from ragqa.serving.updates import Freshness
from ragqa.serving.wording import PartSaid, Said, answer_said
from ragqa.types import NoteRecord, Stamp

HITS = [TextPart(f"Tea number {n} is green.", "hits", n) for n in range(9)]


@pytest.mark.parametrize(
    ("budget", "shown", "said"),
    [
        (1, 1, "Left out: 8 of 9 parts; a larger max_tokens gives more."),
        (30, 3, "Left out: 6 of 9 parts;"),
        (500, 9, ""),
    ],
)
def test_hits_are_shown_whole_or_left_out_which_is_said(budget, shown, said):
    document = {"kept": 1, "hits": list(range(9))}
    text, data = Said("Found.", HITS, ["Note: late."]).within(document, budget)
    texts = [hit.text for hit in HITS[:shown]]
    assert text.startswith("\n\n".join(["Found.", *texts, "Note: late."]))
    assert text.partition("late.")[2].strip().startswith(said)
    assert data == {"kept": 1, "hits": list(range(shown))}
    assert ("Left out" in text) == bool(said)


def part_of(text, first=1):
    record = NoteRecord("a.md", Stamp(0, 0), "0" * 64, True, "A title", (), "2026-01-02")
    last = first + text.count("\n")
    margin = tuple(map(str, range(first, last + 1)))
    return NotePart(record, (first, last), last, (), text, margin)


@pytest.mark.parametrize(
    ("text", "budget", "lines", "following", "said"),
    [
        ("one\ntwo", 100, [5, 6], None, "a.md:5-6 of 6 lines  2026-01-02  A title\n   5 one"),
        ("one\ntwo", 6, [5, 5], "a.md:6-6", "Cut here. To go on: get 'a.md:6-6'"),
        ("tea " * 900 + "\ntwo", 100, [5, 5], "a.md:6-6", "To go on: get 'a.md:6-6'"),
        ("tea " * 900, 100, [5, 5], None, "Cut here: a larger max_tokens gives more."),
    ],
)
def test_a_part_of_a_note_has_whole_lines_and_says_how_to_go_on(
    text, budget, lines, following, said
):
    shown, data = PartSaid(part_of(text, first=5)).within({}, budget)
    assert (data["lines"], data["next"]) == (lines, following)
    assert said in shown
    assert text.startswith(data["text"].removesuffix("\u2026"))
    assert token_counts([shown])[0] < budget + 60


@given(NASTY.filter(str.strip), NASTY, NASTY)
def test_whatever_notes_say_stays_in_the_fence_of_its_source(quote, before, heading):
    answer = make_answer(quote=quote, confidence=0.3, heading=[heading])
    (citation,) = answer.citations
    citation = replace(citation, before=before, context=heading, note_date="2026-01-14")
    answer = replace(answer, citations=(citation,), also=(replace(citation, n=2),))
    said, _ = answer_said(answer, Freshness()).within(document_of(answer), 9_000)
    tokens = tokens_of(said)
    fences = [token.content for token in tokens if token.type == "fence"]
    assert fences == [safe_text(defused(before + quote)) + "\n"] * 2
    kinds = {token.type for token in tokens}
    assert kinds.isdisjoint({"image", "html_block", "html_inline", "code_block", "table_open"})
    assert said.count("](a.md) (2026-01-14)") == 2
