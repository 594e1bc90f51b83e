"""What is saved is read back, whatever an editor did to the text around it."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_answer

from ragqa.errors import UsageError
from ragqa.saved import MAX_BYTES, SavedAnswer, SavedCitation, read_saved, record_of

ANY_TEXT = st.text(alphabet=st.characters(), max_size=40)


def read(text):
    return read_saved(io.BytesIO(text.encode("utf-8", "surrogatepass")), "answer.md")


def told(answer):
    keys = ("n", "path", "lines", "chars", "quote", "note_sha256", "context")
    cited = (SavedCitation(*(getattr(c, key) for key in keys)) for c in answer.citations)
    return SavedAnswer(answer.question, tuple(cited))


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT.filter(str.strip))
def test_a_record_is_read_back_and_holds_nothing_that_markdown_could_take_for_its_own(
    question, path, quote
):
    answer = make_answer(question=question, path=path, quote=quote)
    record = record_of(answer)
    assert record.isascii()
    assert not re.search("[<>&`~\n]", record)
    saved = read(f"Some text.\n\n```json\n{record}\n```\n")
    assert saved == told(answer)


@pytest.mark.parametrize(
    "edit",
    [
        lambda record: json.dumps(json.loads(record), indent=4),
        lambda record: record.replace('{"ragqa_answer": 1', '{ "ragqa_answer" :1'),
        lambda record: f"~~~\r\n{record}\r\n~~~",
        lambda record: f"> ```\n> {record}\n> ```",
        lambda record: f"<!-- {record} -->",
        lambda record: f"\ufeff{record}\n\nMy own remarks, {{with braces}}.",
    ],
)
def test_an_editor_may_format_fence_quote_or_hide_the_record(edit):
    answer = make_answer(quote='He said {"ragqa_answer": 1} --> ``` and left.')
    text = edit(record_of(answer))
    assert read(text) == read(f"# What?\n\n{text}\n") == told(answer)


def test_the_document_of_ask_json_is_read_with_keys_of_its_own():
    document = json.loads(record_of(make_answer()))
    document["version"] = document.pop("ragqa_answer")
    document["citations"][0] |= {"score": 0.5, "later": None}
    assert read(json.dumps(document)) == told(make_answer())


CITATION = {"n": 1, "path": "a.md", "lines": [1, 1], "chars": [0, 3], "quote": "Yes"}
CITATION["note_sha256"] = "0" * 64
ANSWER = {"version": 1, "question": "?", "backend": "extractive"}


def with_second(**wrong):
    return json.dumps(ANSWER | {"citations": [CITATION, CITATION | wrong]})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is neither JSON nor Markdown of ragqa ask"),
        ("[]", "it is not an object"),
        ('{"question": "?", "citations": []}', "does not know its version, None"),
        ('{"version": 1, "question": null, "citations": []}', "Expected `str`, got `null`"),
        (
            '{"version": 1, "question": "?", "citations": [7]}',
            "got `int` - at `$.citations[0]`",
        ),
        ('{"version": 1, "\\udc80": "?", "citations": []}', "is not a saved answer"),
        ('x {"ragqa_answer": 1, "question": "?", ', "Expecting"),
        ('{"ragqa_answer": 1} {"ragqa_answer": 1}', "holds 2 answers"),
        ("[" * 100_000, "nested too deeply"),
        ("\udc80", "not UTF-8"),
        (with_second(n=True), "Expected `int`, got `bool` - at `$.citations[1].n`"),
        (with_second(lines=[1]), "Expected `array` of length 2, got 1 - at `$.citations[1].lines`"),
        (with_second(quote=" \n"), "the quote of citation 2 is empty"),
        (with_second(context={}), "Expected `str`, got `object` - at `$.citations[1].context`"),
        (json.dumps(ANSWER | {"citations": [CITATION] * 1001}), "more than 1,000 citations"),
        ("x" * (MAX_BYTES + 1), "more than 10,000,000 bytes"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_saved_answer_is_refused_in_one_sentence(text, problem):
    with pytest.raises(UsageError, match=re.escape(problem)) as caught:
        read(text)
    assert "answer.md is not a saved answer" in caught.value.message
    assert "ragqa ask" in caught.value.hint
