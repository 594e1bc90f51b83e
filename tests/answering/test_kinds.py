"""What a question asks for, and how well a sentence holds it."""

import pytest

from ragqa.answering.holding import holds
from ragqa.answering.kinds import QuestionKind, asked_by, kind_of

KINDS = {
    QuestionKind.WHO: [
        "who came up with RRF?",
        "who's the author of ColBERT",
        "which company trained Mistral 7B",
        "by whom was BM25 proposed?",
    ],
    QuestionKind.WHEN: [
        "When was the memory tool released?",
        "o4-mini release date",
        "In what year was the term coined?",
        "what month did OpenAI add function calling to its API",
    ],
    QuestionKind.WHERE: ["where was ELIZA written", "in which country is Mistral based?"],
    QuestionKind.HOW_MANY: [
        "how many tokens does a picture cost",
        "lora adapter file size?",
        "openai fine-tuning minimum number of examples",
        "When the index is full, how long does a query take?",
        "What learning rate did LIMA use?",
    ],
    QuestionKind.DEFINITION: [
        "what is goodput?",
        "What's an agent loop?",
        "define perplexity",
        "what does MRR mean",
    ],
    QuestionKind.STEPS: ["how to merge an adapter", "How should I split the rows?"],
    QuestionKind.COMPARISON: ["LoRA vs QLoRA", "what is the difference between MRR and MAP"],
    QuestionKind.YES_NO: ["Is temperature 0 deterministic?"],
    QuestionKind.WHY: ["why divide by sqrt(d_k)?", "how come the loss goes up"],
    QuestionKind.OTHER: [
        "when should I fine-tune?",
        "what does dpo beta do?",
        "Which latency number should I look at?",
        "When the bot cites, are bracketed numbers safer or the path?",
        "dropped tokens in MoE?",
        "什么是微调",
        "?",
        "",
    ],
}


@pytest.mark.parametrize(("kind", "question"), [(k, q) for k, qs in KINDS.items() for q in qs])
def test_a_question_is_of_the_kind_that_its_words_say(kind, question):
    assert kind_of(question) is kind


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        (
            "when was RRF introduced",
            "RRF came in June 2009.",
            "RRF was introduced by three people.",
        ),
        ("when was RRF of 2009 extended", "It was in 2011.", "RRF is of 2009."),
        ("who wrote BERT", "It was written by Jacob Devlin.", "BERT was pretrained on Wikipedia."),
        ("where is Mistral based", "Mistral sits in Paris.", "Mistral is a company."),
        ("how many layers has it", "It has 24 layers.", "It was trained on 3 corpora."),
        ("how many layers has it", "It was trained on 3 corpora.", "It has a few layers."),
        ("what is recall", "Recall is the share that is found.", "The recall is often low."),
        ("what is recall", "**Recall**: the share found.", "The loss of recall is a cost."),
        ("why cache prompts", "Because a prefix is often the same.", "Prompts can be cached."),
    ],
)
def test_a_sentence_that_says_what_is_asked_for_holds_more_of_it(question, better, worse):
    asked = asked_by(question)
    better = better.replace("*", "")
    assert 0 <= holds(asked, worse) < holds(asked, better) <= 1


@pytest.mark.parametrize("question", ["how to merge an adapter", "LoRA vs QLoRA", "is it 5?"])
def test_a_kind_that_tells_nothing_of_sentences_holds_nothing(question):
    assert holds(asked_by(question), "In 2021 Bob merged 5 adapters in Paris.") == 0
