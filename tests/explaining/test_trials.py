"""Words that a note lacks, and words of it that would find it."""

from ragqa.explaining.explanation import Missing
from ragqa.explaining.trials import distinctive_words, missing_words
from ragqa.types import Passage


class Rare:
    """A snapshot in which a word is the rarer the longer it is."""

    def idf(self, terms):
        return {term: float(len(term)) for term in terms}


def passage(text, heading="Pruning", language="en"):
    return Passage(
        id=1,
        embedding_key=1,
        path="a.md",
        title="Roses",
        start=0,
        end=len(text),
        lines=(1, 1),
        heading=(heading,),
        text=text,
        units=(),
        note_sha256="",
        language=language,
    )


def test_words_of_the_question_that_a_passage_lacks_come_with_a_like_one_of_the_note():
    best, other = passage("Cut colors back."), passage("Winter is the time.")
    missing = missing_words("when is the winter for colour and zebras?", best, [best, other])
    assert missing == (Missing("winter", "winter"), Missing("colour", "colors"), Missing("zebras"))


def test_a_word_in_another_form_or_in_the_heading_is_not_missing():
    best = passage("Cut them back.")
    assert missing_words("prune a rose by cutting it", best, [best]) == ()


def test_words_are_compared_in_the_language_of_the_passage():
    german = passage("Die Patronen liegen im Schrank.", "Drucker", language="de")
    question = "wo ist die Patrone der Druckern und der Toner?"
    assert missing_words(question, german, [german]) == (Missing("toner"),)
    words = distinctive_words("Drucker", german.text, german, Rare(), most=5)
    assert words == ["schrank", "patronen", "liegen", "roses"]


def test_stop_words_are_not_missing_unless_there_is_nothing_else():
    best = passage("Cut them back.")
    assert missing_words("what is the cut?", best, [best]) == ()
    assert [one.word for one in missing_words("what is it?", best, [best])] == ["what", "is", "it"]


def test_the_rarest_words_come_first_and_those_of_the_heading_before():
    words = distinctive_words("roses", "Shears cut stems in 2024.", passage("x"), Rare(), most=2)
    assert words == ["pruning", "shears"]


def test_words_of_the_question_stop_words_and_numbers_are_not_suggested():
    words = distinctive_words(
        "roses and stems", "The stem in 20245 is it.", passage("x"), Rare(), most=9
    )
    assert words == ["pruning"]
