"""Words of a question that a note lacks."""

from dataclasses import replace

from excerpting import passages_of

from ragqa.explaining import missing_words


def passage(text, heading="Pruning", language="en"):
    (whole,) = passages_of(f"# Roses\n\n## {heading}\n\n{text}\n")
    return replace(whole, heading=(heading,), text=text, language=language)


def test_words_of_the_question_that_a_passage_lacks_are_missing():
    best = passage("Cut zebras back.")
    assert missing_words("when is the winter for colour and zebras?", best) == ("winter", "colour")


def test_a_word_in_another_form_or_in_the_heading_is_not_missing():
    best = passage("Cut them back.")
    assert missing_words("prune a rose by cutting it", best) == ()


def test_words_are_compared_in_the_language_of_the_passage():
    german = passage("Die Patronen liegen im Schrank.", "Drucker", language="de")
    question = "wo ist die Patrone der Druckern und der Toner?"
    assert missing_words(question, german) == ("toner",)


def test_stop_words_are_not_missing_unless_there_is_nothing_else():
    best = passage("Cut them back.")
    assert missing_words("what is the cut?", best) == ()
    assert missing_words("what is it?", best) == ("what", "is", "it")
