"""What a question asks for, and how well a sentence holds it."""

import pytest
from excerpting import asked

from ragqa.answering.score import answer_fit, cannot_answer
from ragqa.search.question_kind import QuestionKind

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
    QuestionKind.COMPARISON: ["LoRA vs QLoRA", "what is the difference between MRR and MAP"],
    QuestionKind.WHY: ["why divide by sqrt(d_k)?", "how come the loss goes up"],
    QuestionKind.OTHER: [
        "how to merge an adapter",
        "How should I split the rows?",
        "Is temperature 0 deterministic?",
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


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("de", "Wann wurde das Memory-Tool veröffentlicht?"),
        ("de", "When was the memory tool released?"),
        ("fr", "Combien de jours faut-il ?"),
        ("zh", "什么是微调"),
    ],
)
def test_no_kind_is_known_in_another_language(language, question):
    assert asked(question, languages=(language,)).kind is QuestionKind.OTHER


@pytest.mark.parametrize(("kind", "question"), [(k, q) for k, qs in KINDS.items() for q in qs])
def test_a_question_is_of_the_kind_that_its_words_say(kind, question):
    assert asked(question).kind is kind


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
    read = asked(question)
    better = better.replace("*", "")
    assert 0 <= answer_fit(read, worse) < answer_fit(read, better) <= 1


@pytest.mark.parametrize("question", ["how to merge an adapter", "LoRA vs QLoRA", "is it 5?"])
def test_a_kind_that_tells_nothing_of_sentences_holds_nothing(question):
    assert answer_fit(asked(question), "In 2021 Bob merged 5 adapters in Paris.") == 0


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("When does the standup start?", "It starts with coffee."),
        ("Who maintains the gateway?", "Priya maintains the gateway."),
        ("where is the key", "It is under the flowerpot."),
        ("where were the logs", "They were in /var/log/app."),
        ("when was it due", "It was due on Monday."),
        ("when was it due", "It was due on 14.03.2026."),
        ("when was it run", "It ran every night at 2 am."),
        ("when was it run", "It ran yesterday."),
        ("which month was it", "It was in the summer."),
        ("how many parameters does Llama 2 have", "Llama 2 has 7B parameters."),
        ("how many parameters does Llama 2 have", "It comes as 7B, 13B and 70B."),
        ("how many tokens does it read", "It reads 128k input tokens."),
        ("how many servers do we run", "We run a hundred servers."),
        ("how many servers do we run", "We run dozens of small servers."),
        ("how many servers do we run", "Name: Berlin; Servers: 12; Disks: 40 TB"),
        ("how many servers do we run", "The number of servers is now 12."),
        ("how many servers do we run", "We run 12."),
        ("how many people work there", "It has 40 engineers."),
        ("how many times was it run", "It was run twice."),
        ("how many hours did it take", "It took half an hour."),
        ("what percentage was lost", "A quarter of 12 was lost."),
        ("how much does overlap matter?", "It matters."),
        ("why was it late", "It was late."),
    ],
)
def test_nothing_is_certain_to_lack_what_may_be_said_in_another_way(question, sentence):
    assert not cannot_answer(asked(question), sentence)


def test_nothing_is_certain_of_a_sentence_in_another_language():
    read, sentence = asked("when was it due"), "Sie war am Montag fällig."
    assert not cannot_answer(read, sentence, "de")
    assert cannot_answer(read, sentence)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("when did Sonnet come out", "Sonnet came out with two sizes of GPT-4."),
        ("what year was it", "It was long."),
        ("Sonnet release date", "Sonnet was released to all."),
        ("how many servers do we run", "We run several servers."),
        ("how many servers do we run", "We run servers of 40 GB."),
        ("how many tasks was it tuned on", "Zero-shot, it was tuned on many tasks (Wei, 2021)."),
        ("number of layers", "The weights have 8 bits."),
        ("what percentage was lost", "Most was lost."),
    ],
)
def test_it_is_certain_where_there_is_nothing_like_a_date_or_a_number_of_things(question, sentence):
    assert cannot_answer(asked(question), sentence)
