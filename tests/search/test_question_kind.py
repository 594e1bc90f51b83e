"""What a question asks for, and how well a sentence holds it."""

import pytest
from cases import each_of
from excerpting import asked

from ragqa.answering.score import answer_fit, cannot_answer
from ragqa.search.question_kind import QuestionKind


@each_of("question_kinds")
def test_a_question_is_of_the_kind_that_its_words_say(question, kind):
    assert asked(question).kind is QuestionKind(kind)


@pytest.mark.parametrize(
    ("language", "question"),
    [("de", "When was the memory tool released?"), ("fr", "Combien de jours faut-il ?")],
)
def test_no_kind_is_known_in_another_language(language, question):
    assert asked(question, languages=(language,)).kind is QuestionKind.OTHER


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("when was RRF of 2009 extended", "It was in 2011.", "RRF is of 2009."),
        ("who wrote BERT", "It was written by Jacob Devlin.", "BERT was pretrained on Wikipedia."),
        ("where is Mistral based", "Mistral sits in Paris.", "Mistral is a company."),
        ("how many layers has it", "It has 24 layers.", "It was trained on 3 corpora."),
        ("how many layers has it", "It was trained on 3 corpora.", "It has a few layers."),
        ("what is recall", "Recall is the share that is found.", "The recall is often low."),
        ("what is recall", "Recall: the share found.", "The loss of recall is a cost."),
        ("why cache prompts", "Because a prefix is often the same.", "Prompts can be cached."),
    ],
)
def test_a_sentence_that_says_what_is_asked_for_holds_more_of_it(question, better, worse):
    read = asked(question)
    assert 0 <= answer_fit(read, worse) < answer_fit(read, better) <= 1


@pytest.mark.parametrize("question", ["how to merge an adapter", "LoRA vs QLoRA"])
def test_a_kind_that_tells_nothing_of_sentences_holds_nothing(question):
    assert answer_fit(asked(question), "In 2021 Bob merged 5 adapters in Paris.") == 0


@each_of("cannot_answer")
def test_a_sentence_cannot_answer_that_has_nothing_like_a_date_or_a_number_of_things(
    question, sentence, cannot
):
    assert cannot_answer(asked(question), sentence) is cannot


def test_nothing_is_certain_of_a_sentence_in_another_language():
    read, sentence = asked("when was it due"), "Sie war am Montag fällig."
    assert not cannot_answer(read, sentence, "de")
    assert cannot_answer(read, sentence)
