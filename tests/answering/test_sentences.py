"""Which units of a passage may answer by themselves."""

from cases import each_of
from excerpting import passages_of

from ragqa.answering.sentences import candidates_of
from ragqa.text.words import query_terms
from ragqa.types import Hit, Kind


def candidates(*texts, question=None):
    passages = [p for n, text in enumerate(texts) for p in passages_of(text, f"{n}.md")]
    hits = [Hit(p, score=1.0, dense=0.5, terms=1.0) for p in passages]
    return candidates_of(hits, asked=None if question is None else query_terms(question))


@each_of("candidates")
def test_what_may_answer_by_itself_is_a_candidate_and_a_key_of_the_front_matter_if_it_is_named(
    notes, question, texts
):
    assert [one.text for one in candidates(*notes, question=question)] == texts


PHASES = (
    "# Training\n\nThere are two phases:\n\n"
    "- Pretraining \u2014 the model reads a very large corpus of text and code.\n"
    "- Alignment \u2014 the model learns what people prefer, from their judgements.\n\n"
    "Then it is used.\n"
)


def test_a_line_that_announces_a_list_is_a_candidate_with_its_items():
    first, *rest = candidates(PHASES)
    assert first.unit.kind is Kind.LIST
    assert first.text == "There are two phases: Pretraining; Alignment"
    assert first.quote.endswith("from their judgements.")
    assert first.quote in PHASES
    assert len(rest) == 3
    assert [first.overlaps(one) for one in rest] == [True, True, False]
