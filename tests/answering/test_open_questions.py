"""What a note asks is no answer, unless the answer stands below it."""

from cases import each_of
from excerpting import EMBEDDER, WholeNotes, asked, passages_of

from ragqa.answering import Answering, compose
from ragqa.answering.judge import MOST_CONFIDENT
from ragqa.text.words import query_terms
from ragqa.types import Hit, Verdict


def answer(question, text):
    """The answer from one note."""
    passages = passages_of(text, window=60, target=30)
    hits = tuple(Hit(p, score=1 - i / 10, dense=0.9, terms=2.0) for i, p in enumerate(passages))
    idf = dict.fromkeys(query_terms(question), 1.0)
    answering = Answering(notes=WholeNotes({"note.md": text}, passages))
    return compose(asked(question, idf=idf), hits, EMBEDDER, answering, None)


@each_of("open_questions")
def test_what_a_note_asks_is_quoted_with_reserve_or_gives_way_to_a_statement_or_its_answer(
    question, note, text, verdict, reserved
):
    said = answer(question, note)
    assert (said.text, said.verdict) == (text, Verdict(verdict))
    assert (said.confidence <= MOST_CONFIDENT) is reserved
