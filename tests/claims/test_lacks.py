"""What the passages that a sentence cites lack, and how it is told."""

import json
import sys
from pathlib import Path

import pytest
from cases import each_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.claims.lacks import grounding_of
from ragqa.claims.sources import CitedPassage, read_sources
from ragqa.embedders import embedder_for

EVAL = Path(__file__).parents[2] / "eval"
sys.path.insert(0, str(EVAL))

from grounding import idf_of, read_grounding, ten_lines  # noqa: E402 - found by the path above

MERGER = "Google bought DeepMind in 2014. Meta opened the lab FAIR in 2013."
BACKUPS = "Backups are kept for 30 days. They are written every night by the Borg server."
MIA = "EpiPen: one at home (hall drawer), one in school, one in Lena's bag."


def every_word_alike(terms):
    """An idf by which all words are as rare as in a folder of some hundred notes."""
    return dict.fromkeys(terms, 4.0)


def checker(embedder, **always):
    """A function that lays a sentence beside sources, or beside texts."""

    def check(sentence, *given, cited=None):
        given = [CitedPassage("", one) if isinstance(one, str) else one for one in given]
        numbers = range(1, len(given) + 1) if cited is None else cited
        return grounding_of(
            sentence, numbers, read_sources(given, embedder, **always), every_word_alike
        )

    return check


@pytest.fixture(scope="session")
def check():
    """Compare words alone, for what does not depend on meaning."""
    return checker(embedder_for("hashed:64", building=False), by_terms_alone=True)


@pytest.fixture(scope="session")
def understand():
    """Compare with the model that ragqa asks with."""
    return checker(embedder_for("all-MiniLM-L6-v2", building=False))


@each_of("lacks")
def test_what_the_sources_lack_or_say_with_a_not_is_named(
    check, sentence, sources, cited, lacks, differs
):
    found = check(sentence, *(CitedPassage(*source) for source in sources), cited=cited)
    assert [str(lack) for lack in found.lacks] == lacks
    assert list(found.differs) == differs


@pytest.mark.parametrize(
    ("sentence", "passage", "lacks"),
    [
        ("The EpiPen is in the kitchen drawer.", MIA, ["kitchen"]),
        ("One EpiPen is in the hall drawer.", MIA, []),
        (
            "`borg destroy`",
            f"Write one:\n\n```sh\nborg create\n```\n\n{BACKUPS}",
            ["`borg destroy`"],
        ),
        ("```sh\nborg create\n```", f"Write one:\n\n```sh\nborg create\n```\n\n{BACKUPS}", []),
        ("Kiwis ripen.", "When a limit is hit, return the work.", ["all of its words"]),
        ("Give back the unfinished work.", "When a limit is hit, return the partial work.", []),
        ("", BACKUPS, []),
    ],
)
def test_a_place_without_a_like_word_is_named_and_other_words_for_the_same_are_not(
    understand, sentence, passage, lacks
):
    assert [str(lack) for lack in understand(sentence, passage).lacks] == lacks


def test_only_a_sentence_that_lacks_more_than_a_word_is_off(understand):
    assert not understand("The EpiPen is in the kitchen drawer.", MIA).is_off
    assert understand("There are four EpiPens.", MIA).is_off


def test_the_evidence_is_the_sentence_that_says_it_and_no_passage_that_adds_nothing(check):
    (span,) = check("Every night the Borg server writes backups.", MERGER, BACKUPS).evidence[2]
    assert BACKUPS[slice(*span)] == "They are written every night by the Borg server."
    sentence = "Backups are kept for 30 days, and Meta opened FAIR in 2013."
    assert set(check(sentence, MERGER, BACKUPS).evidence) == {1, 2}
    assert set(check("Backups are kept for 30 days.", MERGER, BACKUPS).evidence) == {2}
    assert set(check("Backups are kept for 30 days.", BACKUPS, BACKUPS).evidence) == {1}
    assert check("Kiwis ripen in cellars.", MERGER, BACKUPS).evidence == {}


def test_more_is_named_of_false_sentences_and_little_of_true_ones():
    embedder = embedder_for("all-MiniLM-L6-v2", building=False)
    rows = read_grounding(EVAL / "claims" / "sentences.jsonl", embedder)
    idf = idf_of(rows)
    some = [row for row in rows if row.paths[0] in ("allergies.md", "server.md", "trip_plan.md")]
    named = {True: 0, False: 0}
    for row in some:
        found = grounding_of(row.sentence, row.cited, read_sources(row.sources, embedder), idf)
        named[row.supported] += bool(found.lacks or found.differs)
        assert ten_lines(row, idf) >= 0
    assert len(some) == 60
    assert named[False] >= 15
    assert named[True] <= 8


TEXTS = st.text(max_size=80) | st.text("ab 1.,%-/'\"|#`[](){}<>\n\t*_~:$", max_size=80)


@given(sentence=TEXTS, heading=TEXTS, text=TEXTS, cited=st.lists(st.integers(-1, 3), max_size=3))
def test_any_text_can_be_checked_and_its_evidence_is_within_its_source(
    sentence, heading, text, cited
):
    embedder = embedder_for("hashed:16", building=False)
    sources = read_sources([CitedPassage(heading, text), CitedPassage(text, heading)], embedder)
    found = grounding_of(sentence, cited, sources, lambda terms: dict.fromkeys(terms, 2.0))
    for number, spans in found.evidence.items():
        source = (text, heading)[number - 1]
        assert number in cited
        assert all(0 <= start < end <= len(source) for start, end in spans)
    json.dumps([*map(str, found.lacks), *found.differs])


def test_of_a_hostile_sentence_that_its_source_has_nothing_is_lacking(check):
    for text in ("1" * 50_000, "not " * 20_000, '"' * 50_000, "A_" * 30_000, "a-" * 30_000):
        found = check(text, BACKUPS, text)
        assert (found.lacks, found.differs) == ((), ())


def test_a_name_beside_other_words_is_named_but_only_an_absent_one_makes_a_sentence_off(check):
    people = "- Okka: vet student, feeds the cat\n- plumber Kowalczyk: good, expensive"
    moved = check("The good, expensive plumber is Okka.", people)
    assert moved.differs == ("Kowalczyk in that line, not Okka",)
    assert not moved.is_off
    assert check("The good, expensive plumber is Otto.", people).is_off


def test_a_word_whose_opposite_alone_is_in_the_passages_makes_a_sentence_off(check):
    assert check("Call the nurse after 18h.", "Call the nurse before 18h.").is_off
    assert not check("Call the nurse before 18h.", "Call the nurse before 18h.").is_off
