"""What a question asks for, and how well a sentence holds it."""

import pytest
from cases import each_of
from excerpting import asked

from ragqa.answering.answer_type import answer_fit
from ragqa.search.question_kind import QuestionKind, kind_of, without_frame


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


@pytest.mark.parametrize(
    ("framed", "bare"),
    [
        ("remind me what the reminder app is", "what is the reminder app"),
        ("hey, can you please tell me when the fair is?", "when is the fair"),
        ("i forgot: who has the spare keys? thanks", "who has the spare keys"),
        ("Quick question: how much is it, i need it today", "how much is it"),
        ("i can\u2019t remember which bus we took", "which bus we took"),
        ("could you please look up when the fair is", "when is the fair"),
        ("hey ragqa, when is the fair, thx", "when is the fair"),
        ("pls tell me when the fair is ty", "when is the fair"),
        ("ragqa settings", "ragqa settings"),
        ("what did i write about the fair", "the fair"),
        ("what did i forget to buy", "what did i forget to buy"),
        ("who forgot the keys", "who forgot the keys"),
        ("what was the thing i forgot", "what was the thing i forgot"),
        ("remind me to buy milk", "remind me to buy milk"),
        ("what did i write about yesterday", "what did i write about yesterday"),
        ("do you know", "do you know"),
        ("hi-fi setup", "hi-fi setup"),
    ],
)
def test_what_only_frames_a_question_is_left_out(framed, bare):
    assert without_frame(framed) == bare


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("phone number of the landlord", "phone number"),
        ("what's Ann's e-mail?", "e-mail address"),
        ("what is the address of the club?", "address"),
        ("which website has the forms", "link"),
        ("what did the email from Ann say", "other"),
        ("printer ip address", "other"),
        ("when did I send the email", "when"),
    ],
)
def test_a_question_for_a_number_an_address_or_a_link_is_told(question, kind):
    assert kind_of(question, "en")[0] == kind
