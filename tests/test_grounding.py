"""What the passages that a sentence cites lack, and the lines that it rests on."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.grounding import MAX_CHARS, grounding_of

EVAL = Path(__file__).parents[1] / "eval"
sys.path.insert(0, str(EVAL))

from grounding import idf_of, read_grounding  # noqa: E402 - found by the path above

MERGER = "Google bought DeepMind in 2014. Meta opened the lab FAIR in 2013."
BACKUPS = "Backups are kept for 30 days. They are written every night by the Borg server."
MIA = (
    "Mia\nallergic to hazelnut + walnut, NOT peanut, NOT almond. "
    "EpiPen: one at home (hall drawer), one in school."
)
RELEASE = "- On call, ship night: Yusuf till 22:00\n- Load test: Felipe, by Fri 10 May"


def ground(sentence, said, language="en"):
    return grounding_of(sentence, said, lambda terms: dict.fromkeys(terms, 4.0), language)


@pytest.mark.parametrize(
    ("sentence", "said", "lacks"),
    [
        ("Backups are kept for 30 days.", BACKUPS, []),
        ("Backups are kept for ninety days.", BACKUPS, ["ninety days"]),
        ("Backups of 24 GB are kept for 30 days.", BACKUPS, ["24 GB"]),
        ("Backups are kept thirty days.", BACKUPS, []),
        ("The limit is one minute.", "The limit is 60 seconds.", []),
        ("It costs two thirds of the price.", "It costs 66.7 percent of the price.", []),
        ("It holds about 1,000 notes.", "It holds 1,012 notes.", []),
        ("It has 65B parameters.", "It has 65 billion parameters.", []),
        ("Backups are written every night by the Restic server.", BACKUPS, ["Restic"]),
        ("Robertson's formula ranks notes.", "The formula of Robertson ranks notes.", []),
        ("The parser uses RLHF.", "Reinforcement learning from human feedback: the parser.", []),
        ("Google bought DeepMind in May 2014.", MERGER, ["May 2014"]),
        ("The paper came out in June 2017.", "The paper came out on 2017-06-12.", []),
        ("The tyre was changed on 2 July 2023.", "* 02.07.23 tyre changed", []),
        ("The tyre was changed on 2 August 2023.", "* 02.07.23 tyre changed", ["2 August 2023"]),
        ("It expires in April 2027.", "It expires 03/2027.", ["April 2027"]),
        ("The load test is due on Friday 10 May.", RELEASE, []),
        ("The load test is due on Friday 17 May.", RELEASE, ["17 May"]),
        ("Call the nurse before 6 pm.", "Call the nurse before 18h.", []),
        ("Call the nurse before 7 pm.", "Call the nurse before 18h.", ["7 pm"]),
        ('It says "written ... by the Borg server".', BACKUPS, []),
        ('Backups are "written every single night".', BACKUPS, ['"written every single night"']),
        ("Run `borg destroy --all now`.", BACKUPS, ["`borg destroy --all now`"]),
        ("Mia is allergic to hazelnuts.", MIA, []),
        ("Mia is allergic to peanuts.", MIA, ['peanuts without a "not"']),
        ("Mia is not allergic to peanuts.", MIA, []),
        ("The EpiPen is in the kitchen.", MIA, ["kitchen"]),
        ("There are four EpiPens.", MIA, ["four EpiPens"]),
        ("", BACKUPS, []),
    ],
)
def test_what_the_passages_lack_is_named_as_the_sentence_has_it(sentence, said, lacks):
    assert list(ground(sentence, said).lacks) == lacks


def test_numbers_are_looked_up_in_other_languages_too():
    said = "Sicherungen werden 30 Tage lang aufbewahrt."
    assert not ground("Die Sicherung wird 30 Tage aufbewahrt.", said, "de").lacks
    assert list(ground("Sicherungen werden 14 Tage aufbewahrt.", said, "de").lacks) == ["14"]
    assert not ground("缓存保留三十天。", "缓存保留三十天。").lacks


def test_more_than_a_word_or_all_of_them_make_a_sentence_off():
    assert not ground("The EpiPen is in the kitchen.", MIA).is_off
    assert ground("There are four EpiPens.", MIA).is_off
    assert ground("Kiwis ripen in cellars.", BACKUPS).is_off
    assert ground("The plumber is Otto.", "plumber Kowalczyk: good").lacking == pytest.approx(0.8)


def test_more_is_named_of_false_sentences_than_of_true_ones():
    rows = read_grounding(EVAL / "grounding.jsonl")
    idf, named = idf_of(rows), {True: [], False: []}
    for row in rows[::5]:
        lacks = grounding_of(row.sentence, "\n".join(row.sources), idf).lacks
        named[row.supported].append(bool(lacks))
    assert sum(named[False]) > 0.3 * len(named[False])
    assert sum(named[True]) < 0.2 * len(named[True])


TEXTS = st.text(max_size=80) | st.text("ab 1.,%-/'\"|#`[](){}<>\n\t*_~:$", max_size=80)


@given(sentence=TEXTS, said=TEXTS)
def test_any_text_can_be_checked_and_lacks_no_word_of_its_own(sentence, said):
    found = ground(sentence, said)
    assert 0 <= found.share <= 1
    assert ground(sentence, sentence).share in (0, 1)


def test_a_hostile_sentence_is_read_to_its_limit():
    for text in ("1" * 50_000, "not " * 20_000, '"' * 50_000, "A_" * 30_000, "a-" * 30_000):
        assert all(len(lack) <= MAX_CHARS for lack in ground(text, BACKUPS).lacks)
