"""Whether a sentence is supported: what is said of it, and how it is told."""

import json
import sys
from pathlib import Path

import pytest
from cases import each_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.claims.sources import Source, read_sources
from ragqa.claims.support import support_of
from ragqa.embedders import embedder_for

EVAL = Path(__file__).parents[2] / "eval"
sys.path.insert(0, str(EVAL))

from grounding import idf_of, read_grounding  # noqa: E402 - a script, found by the path above

ROWS = EVAL / "grounding.jsonl"
MERGER = "Google bought DeepMind in 2014. Meta opened the lab FAIR in 2013."
BACKUPS = "Backups are kept for 30 days. They are written every night by the Borg server."


def every_word_alike(terms):
    """An idf by which all words are as rare as in a folder of some hundred notes."""
    return dict.fromkeys(terms, 4.0)


def checker(embedder, **always):
    """A function that judges a sentence by sources, or by texts."""

    def judge(sentence, *given, cited=None, idf=every_word_alike):
        given = [Source("", one) if isinstance(one, str) else one for one in given]
        numbers = range(1, len(given) + 1) if cited is None else cited
        return support_of(sentence, numbers, read_sources(given, embedder, **always), idf)

    return judge


@pytest.fixture(scope="session")
def check():
    """Judge by words alone, for what does not depend on meaning."""
    return checker(embedder_for("hashed:64", building=False), by_terms_alone=True)


@pytest.fixture(scope="session")
def understand():
    """Judge with the model that ragqa asks with."""
    return checker(embedder_for("all-MiniLM-L6-v2", building=False))


@each_of("support")
def test_a_sentence_is_supported_by_what_it_cites_or_told_what_speaks_against_it(
    check, sentence, sources, cited, supported, against
):
    found = check(sentence, *(Source(*source) for source in sources), cited=cited)
    assert (found.supported, found.against) == (supported, tuple(against))


@each_of("support_by_meaning")
def test_other_words_for_the_same_are_understood_and_what_is_not_said_is_shown(
    understand, sentence, passage, supported, against
):
    found = understand(sentence, passage)
    assert (found.supported, found.against) == (supported, tuple(against))


GERMAN = "Sicherungen werden 30 Tage lang aufbewahrt. Der Server schreibt sie jede Nacht."


def test_a_sentence_in_another_language_is_compared_by_its_own_stems(check):
    said = "Die Sicherung wird 30 Tage aufbewahrt."
    assert check(said, Source("", GERMAN, "de")).score > check(said, GERMAN).score


def test_the_evidence_is_the_sentence_that_says_it_and_no_passage_that_adds_nothing(check):
    (span,) = check("Every night the Borg server writes backups.", MERGER, BACKUPS).evidence[2]
    assert BACKUPS[slice(*span)] == "They are written every night by the Borg server."
    sentence = "Backups are kept for 30 days, and Meta opened FAIR in 2013."
    assert set(check(sentence, MERGER, BACKUPS).evidence) == {1, 2}
    assert set(check("Backups are kept for 30 days.", MERGER, BACKUPS).evidence) == {2}
    assert set(check("Backups are kept for 30 days.", BACKUPS, BACKUPS).evidence) == {1}
    assert check("Kiwis ripen in cellars.", MERGER, BACKUPS).evidence == {}


def test_a_name_that_most_notes_have_is_understood(check):
    def idf(terms):
        return {term: 0.4 if term == "anthrop" else 5.0 for term in terms}

    passage = "The console shows the usage of each key."
    sentence = "The console of Anthropic shows the usage of each key."
    assert check(sentence, passage, idf=idf).supported
    assert not check(sentence, passage).supported


@pytest.mark.parametrize(
    "more",
    [" Kiwis ripen in cellars." * 150, " 30" * 400, " They are kept." * 110, " 30 days," * 45],
    ids=["characters", "numbers", "words", "figures"],
)
def test_a_sentence_too_long_to_check_is_not_supported(understand, more):
    found = understand(f"Backups are kept for 30 days.{more}", BACKUPS)
    assert (found.supported, found.against) == (False, ("too long to check",))


def test_quotes_pass_and_wrong_dates_do_not(understand):
    rows = [row for row in read_grounding(ROWS) if row.half == "tune"]
    some = [row for row in rows if row.kind in ("quote", "date")]
    embedder, idf = embedder_for("all-MiniLM-L6-v2", building=False), idf_of(rows)
    wrong = []
    for row in some:
        sources = read_sources(row.sources, embedder)
        if support_of(row.sentence, row.cited, sources, idf).supported != row.supported:
            wrong.append(row.id)
    assert len(some) >= 19
    assert len(wrong) <= 1


TEXTS = st.text(max_size=80) | st.text("ab 1.,%-/'\"|#`[](){}<>\n\t*_~:$", max_size=80)


@given(sentence=TEXTS, heading=TEXTS, text=TEXTS, cited=st.lists(st.integers(-1, 3), max_size=3))
def test_any_text_gets_a_score_from_0_to_1_and_evidence_within_its_source(
    sentence, heading, text, cited
):
    embedder = embedder_for("hashed:16", building=False)
    sources = read_sources([Source(heading, text), Source(text, heading)], embedder)
    found = support_of(sentence, cited, sources, lambda terms: dict.fromkeys(terms, 2.0))
    assert 0 <= found.score <= 1
    for number, spans in found.evidence.items():
        source = (text, heading)[number - 1]
        assert number in cited
        assert all(0 <= start < end <= len(source) for start, end in spans)
    json.dumps(found.against)


def test_a_hostile_sentence_takes_no_minutes(check):
    for text in ("1" * 50_000, "not " * 20_000, '"' * 50_000, "A_" * 30_000, "a-" * 30_000):
        assert 0 <= check(text, BACKUPS, text).score <= 1
