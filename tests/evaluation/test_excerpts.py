from dataclasses import dataclass

import pytest

from ragqa.evaluation.measures import score_citations
from ragqa.evaluation.questions import GoldExcerpt


@dataclass(frozen=True)
class Quote:
    """What is needed of a citation."""

    path: str
    chars: tuple[int, int]
    quote: str


TEXT = "Figs ripen in August.\n\n- dry them\n  slowly\n- eat them fresh\n\nKiwis come from China."
NOTES = {"figs.md": TEXT, "other.md": TEXT[::-1]}


def cited(quote, path="figs.md"):
    start = NOTES[path].index(quote)
    return Quote(path, (start, start + len(quote)), quote)


def wanted(quote, path="figs.md"):
    return GoldExcerpt(path, NOTES[path].index(quote), quote)


def figures(score):
    return score.coverage, score.noise, score.good


STEPS = "- dry them\n  slowly\n- eat them fresh"


RIPE, CHINA = "Figs ripen in August.", "Kiwis come from China."
AT_STEPS = (TEXT.index(STEPS), TEXT.index(STEPS) + len(STEPS))


@pytest.mark.parametrize(
    ("quotes", "parts", "expected"),
    [
        ([cited(STEPS)], [[wanted(STEPS)]], (1, 0, True)),
        # Nothing is cited: there is no noise to speak of.
        ([], [[wanted(STEPS)]], (0, None, False)),
        ([cited("\n\n")], [[wanted(STEPS)]], (0, None, False)),
        # The same characters of another note are another place.
        ([Quote("other.md", AT_STEPS, STEPS)], [[wanted(STEPS)]], (0, 1, False)),
        # Any alternative of a part will do.
        ([cited(RIPE)], [[wanted(RIPE), wanted(CHINA)]], (1, 0, True)),
        # Each part counts the same, whatever its length, also one that nothing can cover.
        ([cited(RIPE)], [[wanted(RIPE)], [wanted(CHINA)]], (0.5, 0, False)),
        ([cited("Figs")], [[wanted("Figs")], [wanted(STEPS)]], (0.5, 0, False)),
        ([cited("Figs")], [[wanted("Figs")], []], (0.5, 0, False)),
        ([cited("Figs")], [[]], (0, 1, False)),
    ],
)
def test_coverage_noise_and_whether_an_answer_is_good_follow_from_what_it_cites(
    quotes, parts, expected
):
    assert figures(score_citations(quotes, parts)) == expected


def test_what_is_cited_twice_counts_once():
    twice = [cited("Figs ripen"), cited("ripen in August."), cited("Figs ripen")]
    assert figures(score_citations(twice, [[wanted("Figs ripen in August.")]])) == (1, 0, True)
    outside = [cited("Kiwis"), cited("Kiwis"), cited("Figs ripen in August.")]
    noise = score_citations(outside, [[wanted("Figs ripen in August.")]]).noise
    assert noise == pytest.approx(5 / (5 + 18))


def test_a_good_choice_comes_before_one_that_covers_more():
    long = "".join(chr(ord("a") + n % 26) for n in range(100))
    quote = Quote("a.md", (0, 100), long)
    short_and_whole = GoldExcerpt("a.md", 0, long[:40])
    most_of_it = GoldExcerpt("a.md", 20, long[20:] + "x" * 20)
    assert figures(score_citations([quote], [[short_and_whole]])) == (1, 0.6, False)
    score = score_citations([quote], [[short_and_whole, most_of_it]])
    assert figures(score) == (0.8, 0.2, True)


@pytest.mark.parametrize(
    ("covered", "noisy", "good"),
    [(7, 0, True), (6, 0, False), (7, 7, True), (7, 8, False), (10, 10, True), (10, 11, False)],
)
def test_an_answer_is_good_up_to_the_bounds(covered, noisy, good):
    text = "x" * 40
    gold = GoldExcerpt("a.md", 0, text[:10])
    quotes = [Quote("a.md", (0, covered), text[:covered])]
    quotes += [Quote("a.md", (10, 10 + noisy), text[10 : 10 + noisy])]
    assert score_citations(quotes, [[gold]]).good is good
