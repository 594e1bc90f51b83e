"""What a question asks for, and how well a sentence holds it."""

import pytest
from cases import each_of
from excerpting import asked

from ragqa.answering.answer_type import answer_fit
from ragqa.search.question_kind import QuestionKind, without_frame


@each_of("question_kinds")
def test_a_question_is_of_the_kind_that_its_words_say(question, kind):
    assert asked(question).kind is QuestionKind(kind)


@pytest.mark.parametrize(
    ("language", "question"),
    [("de", "When was the memory tool released?"), ("fr", "Combien de jours faut-il ?")],
)
def test_no_kind_is_known_in_another_language(language, question):
    assert asked(question, languages=(language,)).kind is QuestionKind.OTHER


@each_of("holding")
def test_a_sentence_that_says_what_is_asked_for_holds_more_of_it(question, better, worse):
    read = asked(question)
    assert 0 <= answer_fit(read, worse) < answer_fit(read, better) <= 1


@pytest.mark.parametrize("question", ["how to merge an adapter", "LoRA vs QLoRA"])
def test_a_kind_that_tells_nothing_of_sentences_holds_nothing(question):
    assert answer_fit(asked(question), "In 2021 Bob merged 5 adapters in Paris.") == 0


@each_of("frames")
def test_what_only_frames_a_question_is_left_out(framed, bare):
    assert without_frame(framed) == bare
