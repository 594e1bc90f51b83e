"""The characters of a sentence that answer a question directly."""

import time

import pytest
from excerpting import asked
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.short_answer import counterpart, place_in, short_answer

ANSWERED = [
    ("when was RRF introduced", "It was introduced in June 2009 by three people.", "June 2009"),
    ("o4-mini release date", "16 April 2025: OpenAI releases o3 and o4-mini.", "16 April 2025"),
    (
        "who introduced RRF?",
        "Cormack, Clarke and Fox introduced RRF in 2009.",
        "Cormack, Clarke and Fox",
    ),
    ("who wrote the song", "It was written by A. A. Milne, and sung by Ann Low.", "A. A. Milne"),
    ("where was it filmed", "It was filmed in Tulsa, Oklahoma, in 1962.", "Tulsa, Oklahoma"),
    ("how many examples are needed", "At least 10 examples in 2 files.", "10 examples"),
    ("how big is the embedding", "The embedding has 1536 dimensions.", "1536 dimensions"),
    ("what percentage is faulty?", "Of 57 subjects 6.5% is faulty.", "6.5%"),
    ("which lab makes Llama 3?", "Model: Llama 3; Lab: Meta FAIR; Modality: Text.", "Meta FAIR"),
    ("how many tokens can Haiku read", "Haiku 4.5 reads 200,000 tokens.", "200,000 tokens"),
    ("When does the standup start?", "It starts on Monday at 10:00.", "Monday at 10:00"),
    ("when is the backup", "It runs every night at 2 am.", "every night at 2 am"),
    ("when is the report due", "It is due on 14.03.2026.", "14.03.2026"),
    ("when was the launch", "It was on 03/14/2026 at 9 am.", "03/14/2026 at 9 am"),
    ("how many parameters does it have", "Llama 2 has 7B parameters.", "7B parameters"),
    ("how large is the window", "It takes 128k tokens.", "128k tokens"),
    ("how big is the table", "It has 1.5M rows.", "1.5M rows"),
    ("how many servers are there", "There are 3 web servers.", "3"),
    ("how many servers are there", "There are a hundred servers.", "a hundred servers"),
    ("how long does it take", "It takes half an hour.", "half an hour"),
    ("how often does it run", "It runs twice a day.", "twice"),
    ("how much does it cost", "It costs $12 per month.", "$12"),
]


@pytest.mark.parametrize("asked_in", ["en", "de"])
def test_nothing_is_marked_in_a_sentence_of_another_language(asked_in):
    question = asked("when was it released?", languages=(asked_in,))
    assert short_answer(question, "Am 2024-05-03 kam es heraus.", "de") is None


@pytest.mark.parametrize(("question", "sentence", "short"), ANSWERED)
def test_what_the_question_asks_for_is_marked(question, sentence, short):
    span = short_answer(asked(question), sentence)
    assert span is not None
    assert sentence[slice(*span)] == short


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("what is RRF?", "RRF was introduced in 2009 by Gordon Cormack."),
        ("when was it shown in 2009", "It was shown in 2009."),
        ("when did they meet", "They were seen in 2001, in 2004, and in 2007."),
        ("who met Bob Dylan", "Bob Dylan met him."),
        ("how many files are there", "There are some files."),
        ("when should I fine-tune?", "In 2023 many did."),
        ("how large is Llama 3?", "Llama 3 comes in two sizes."),
        ("who invented the transformer?", 'It is from "Attention Is All You Need" (2017).'),
    ],
)
def test_nothing_is_marked_where_it_is_not_clear_what_answers(question, sentence):
    assert short_answer(asked(question), sentence) is None


def test_words_of_the_sentence_are_found_in_the_quote_across_a_line_break_but_only_once():
    assert place_in("was in New\n  York.", "New York") == (7, 17)
    assert place_in("5 of 5", "5") is None
    assert place_in("15 files", "5") is None
    assert place_in("of **A. B** and C", "A. B and C") is None


def test_the_same_words_in_another_form_of_a_text_are_those_at_the_same_turn():
    text, quote = "5 of 5 files", "- **5** of\n  5 files"
    assert counterpart(text, (0, 1), quote) == (4, 5)
    assert counterpart(text, (5, 12), quote) == (13, 20)
    assert counterpart(text, (5, 6), quote) == (13, 14)
    assert counterpart(text, (0, 6), quote) is None
    assert counterpart(text, (0, 1), "5 files") is None
    assert counterpart("Top 5: 5 files", (7, 8), "5 files") is None


PIECES = (
    "1999|May|12|5|%|GB|Bob|Ann|by|in|the|and|,|.|(|)|;|one|\u00c9va|J.|-|million|files|3,5|\n|12th"
    "|century|BC|Dr.|O'Neil|$|wrote|X\u00a0Y|Paris|hours"
)
SENTENCES = st.lists(st.sampled_from(PIECES.split("|"))).map(" ".join)


@given(
    st.sampled_from(["when was it", "who wrote it", "where is it", "how many files", "x date"]),
    st.one_of(SENTENCES, st.text()),
)
def test_any_text_gives_a_span_within_it_or_none(question, text):
    span = short_answer(asked(question), text)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip()


@pytest.mark.parametrize(
    "piece",
    [
        "A, ",
        "A.A.",
        "one to ",
        "May 1 ",
        "Bob, 1900 ",
        "a by ",
        "Aa and ",
        "Monday at ",
        '"A',
        "half ",
    ],
)
@pytest.mark.parametrize("question", ["who wrote it", "how many", "when was it", "where is it"])
def test_a_hostile_sentence_takes_no_long_time(piece, question):
    started = time.process_time()
    short_answer(asked(question), piece * 20_000)
    assert time.process_time() - started < 1
