"""What is read from a server: any bytes, cut anywhere."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.stub import SAYS, piece, whole

from ragqa.errors import BackendFailed
from ragqa.llms.http import completion, events


def read(chunks):
    """The text, or what of it came before a failure, and whether it failed."""
    text = ""
    try:
        for part in completion(events(chunks)):
            text += part
    except BackendFailed:
        return text, True
    return text, False


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


PLACES = st.lists(st.integers(min_value=0, max_value=10_000), max_size=40)
KEYS = ["choices", "delta", "content", "message", "text", "error", "finish_reason", "data", "id"]
ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning_content": "Hm.", "content": None},
        {"reasoning": "Hm."},
        {"content": [{"type": "thinking", "thinking": "Hm."}]},
    ],
)
def test_what_a_model_thinks_in_a_field_of_its_own_is_no_text(thought):
    line = b"data: " + json.dumps({"choices": [{"delta": thought}]}).encode() + b"\n\n"
    assert read([line + whole()]) == (SAYS, False)


@given(st.integers(min_value=0, max_value=10_000), PLACES)
def test_a_stream_that_ends_early_fails_or_had_said_all(length, places):
    data = whole()
    text, failed = read(cut(data[: length % (len(data) + 1)], places))
    assert SAYS.startswith(text)
    assert failed or text == SAYS


@given(st.data())
def test_any_bytes_give_text_or_one_failure_wherever_they_are_cut(data):
    odd = st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"\n", b"\r\n", b"data:", b"data: [DONE]\n\n", b"\xef\xbb\xbf", b"{"]),
        st.text(max_size=10).map(piece),
        ODD_JSON.map(lambda value: b"data: " + json.dumps(value).encode() + b"\n\n"),
    )
    stream = b"".join(data.draw(st.lists(odd, max_size=12)))
    assert read(cut(stream, data.draw(PLACES))) == read([stream])
