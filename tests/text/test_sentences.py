"""Where a sentence ends, and where it only looks so."""

import pytest
from cases import cases
from hypothesis import example, given
from hypothesis import strategies as st
from support import trying

from ragqa.text.sentences import sentence_spans


@pytest.mark.parametrize(("parts", "gap"), cases("sentences", "parts", "gap"))
def test_a_text_is_cut_into_its_sentences(parts, gap):
    text = gap.join(parts)
    assert [text[start:end] for start, end in sentence_spans(text)] == parts


WORDS = st.sampled_from(["A b", "e.g.", "U.S.", "1.", "汉", "😀", "\u00a0", "\u2028", "\x1c", "\0"])
MARKS = st.sampled_from(
    [".", "。", "!", "…", "**", '"', "”", "(", ")", "`", "[^1]", "$", "</b>", "<br>"]
)
SPACES = st.sampled_from([" ", "\n", "\r\n", "\n\n", "> ", "- "])


@trying(100)
@given(st.lists(WORDS | MARKS | SPACES | st.text(max_size=3), max_size=30).map("".join))
@example("B\u00a0.")
def test_sentences_hold_all_that_is_not_white_space(text):
    position = 0
    for start, end in sentence_spans(text):
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()
