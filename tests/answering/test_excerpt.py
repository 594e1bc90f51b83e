"""Which excerpts answer a question, and in what order they are read."""

from cases import each_of
from excerpting import EMBEDDER, asked, composed, evidence_of, passages_of

from ragqa.answering import Evidence, compose
from ragqa.answering.assessment import MOST_CONFIDENT
from ragqa.text.words import query_terms
from ragqa.types import Hit, Verdict


@each_of("composed")
def test_what_answers_best_is_shown_with_what_defines_compares_or_adds_to_it(
    question, notes, scores, how, shown, best
):
    found = composed(question, notes, scores, **how)
    assert [[one.path, one.quote] for one in found] == shown
    assert [[one.text, one.score] for one in found] == best
    assert all(notes[one.path][slice(*one.span)] == one.quote for one in found)


def test_a_row_comes_with_its_header_as_context():
    text = "# A\n\n| fruit | price |\n|---|---|\n| fig | 2 |\n| pear | 3 |\n"
    long = text + "| fruit of another kind | 4 |\n" * 20
    (one,) = composed("how much is a pear", {"a.md": long}, {"pear": 1.0})
    assert one.quote == "| pear | 3 |"
    assert one.context == "fruit | price"
    assert one.shown == "fruit: pear; price: 3"


def test_without_the_rest_of_a_note_an_excerpt_ends_where_its_passage_does():
    text = "# A\n\nThese are they:\n\n" + "- one of very many items of a list\n" * 14
    passages = passages_of(text, window=80, target=40)
    assert len(passages) > 1
    hit = Hit(passages[0], score=1.0, dense=0.5, terms=1.0)
    question = "which items are very many of a list"
    read = asked(question, idf={"item": 1.0})

    def cited(evidence):
        (citation,) = compose(read, evidence, EMBEDDER, None).citations
        assert text[slice(*citation.chars)] == citation.quote
        return citation

    assert cited(Evidence.of_passages((hit,))).chars[1] == passages[0].end
    whole = cited(evidence_of({"note.md": text}, passages, (hit,)))
    assert whole.quote == text[text.index("These") :].strip()
    assert whole.lines == (3, 18)


HOSTS = "# Hosts\n\n| host | owner | use |\n|---|---|---|\n" + "".join(
    f"| {name} | {owner} | serves the people of the club in one of a great many ways |\n"
    for name, owner in zip(
        ["amsel", "biber", "dachs", "elster", "fuchs", "gans", "hirsch", "iltis"],
        ["Ann", "Bo", "Bo", "Ann", "Bo", "Bo", "Ann", "Bo"],
        strict=True,
    )
)


def rows_shown(question, scores, text=HOSTS):
    found = composed(question, {"a.md": text}, scores)
    return [one.shown.split(";")[0].removeprefix("host: ") for one in found]


def test_all_rows_come_that_have_what_is_asked_for_unless_the_question_names_one():
    best = {"elster": 1.0}
    assert rows_shown("which hosts does Ann own", best) == ["elster", "amsel", "hirsch"]
    assert rows_shown("what about elster of Ann", best) == ["elster"]
    assert rows_shown("who owns the host of Ann", best) == ["elster"]


def test_the_row_that_a_question_names_goes_before_one_that_has_the_word_elsewhere():
    text = HOSTS.replace("biber | Bo | serves", "biber | Bo | watches iltis and serves")
    scores = {"biber": 1.0, "iltis": 0.9}
    assert rows_shown("what about iltis", scores, text) == ["iltis"]
    assert rows_shown("what about them", scores, text) == ["biber"]


def answer(question, text):
    """The answer from one note."""
    passages = passages_of(text, window=60, target=30)
    hits = tuple(Hit(p, score=1 - i / 10, dense=0.9, terms=2.0) for i, p in enumerate(passages))
    idf = dict.fromkeys(query_terms(question), 1.0)
    evidence = evidence_of({"note.md": text}, passages, hits)
    return compose(asked(question, idf=idf), evidence, EMBEDDER, None)


@each_of("open_questions")
def test_what_a_note_asks_is_quoted_with_reserve_or_gives_way_to_a_statement_or_its_answer(
    question, note, text, verdict, reserved
):
    said = answer(question, note)
    assert (said.text, said.verdict) == (text, Verdict(verdict))
    assert (said.confidence <= MOST_CONFIDENT) is reserved
