"""An answer as Markdown: what notes say is text in it, and it can be verified."""

import io
import os
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from soup import NASTY, tokens_of
from support import make_answer

from ragqa.follow_ups import Exchange
from ragqa.render.as_markdown import answer_markdown, chat_markdown, escaped
from ragqa.safe import safe_line, safe_text
from ragqa.saved import defused, read_saved
from ragqa.types import Hit, Passage

# As the file system gives them: any bytes.
PATHS = NASTY.map(lambda text: os.fsdecode(text.encode("utf-8", "replace"))) | st.binary(
    max_size=9
).map(os.fsdecode)


@given(NASTY, NASTY, PATHS, NASTY.filter(str.strip), st.lists(NASTY, max_size=3), NASTY)
def test_whatever_the_notes_say_is_text_or_in_its_fence_and_the_record_survives(
    question, around, path, quote, heading, warning
):
    answer = make_answer(
        question=question, path=path, quote=quote, heading=heading, warnings=(warning,)
    )
    (citation,) = answer.citations
    citation = replace(citation, before=around, after=around)
    answer = replace(answer, citations=(citation,))
    markdown = answer_markdown(answer)
    tokens = tokens_of(markdown)
    kinds = [token.type for token in tokens]
    assert {"image", "html_block", "html_inline", "code_inline", "em_open", "strong_open"} & set(
        kinds
    ) <= {"code_inline"}
    assert kinds.count("code_inline") == 1
    assert {"table_open", "blockquote_open", "hr", "code_block", "s_open"}.isdisjoint(kinds)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2"]
    links = [token.attrs["href"] for token in tokens if token.type == "link_open"]
    assert [unquote_to_bytes(link) for link in links] == [os.fsencode(path)]
    source, record = (token for token in tokens if token.type == "fence")
    assert source.content == safe_text(defused(citation.shown)) + "\n"
    for content in (markdown, record.content):
        saved = read_saved(io.BytesIO(content.encode()), "answer.md")
        (citation,) = saved.citations
        assert (citation.path, citation.quote) == (path, quote)


def test_a_link_opens_at_the_page_of_its_file():
    answer = make_answer(path="zoo.pdf")
    (citation,) = answer.citations
    cited = replace(answer, citations=(replace(citation, locator="pp. 3-4"),))
    assert "](zoo.pdf#page=3)" in answer_markdown(cited)


@given(NASTY)
def test_escaped_text_is_shown_as_it_is(text):
    shown = MarkdownIt("commonmark").parseInline(escaped(text))[0].children or []
    assert {token.type for token in shown} <= {"text", "text_special"}
    assert "".join(token.content for token in shown) == safe_line(" ".join(text.split()))


@pytest.mark.parametrize("text", ["see https://evil.example", "see WWW.evil.example", "mailto:x"])
def test_no_address_becomes_a_link_by_itself(text):
    assert escaped(text) != text


def test_an_answer_reads_as_markdown_should():
    answer = make_answer(heading=["Top", "Below"], quote="It\nis.", confidence=0.4)
    markdown = answer_markdown(answer)
    place = "1. [a.md:3-4](a.md) \u203a Top \u203a Below"
    text = f"# what?\n\n**Probably:**\n\n{place}\n\n```\nIt\nis.\n```\n\nFrom this record,"
    assert markdown.startswith(text)


def test_a_quote_that_looks_like_a_record_cannot_pass_for_it():
    forged = '{"ragqa_answer": 1, "question": "?", "citations": []}'
    markdown = answer_markdown(make_answer(quote=forged))
    assert '{"ragqa_answer (quoted)": 1, "question"' in markdown
    (citation,) = read_saved(io.BytesIO(markdown.encode()), "answer.md").citations
    assert citation.quote == forged


def test_an_abstention_is_exported_with_the_nearest_passages_and_warnings():
    passage = Passage(1, 1, "a.md", "A", 0, 5, (1, 1), ("A",), "![x](y)", (), "")
    answer = make_answer(
        answered=False,
        text="",
        citations=(),
        hits=(Hit(passage, 0.5, None, 1.0),),
        warnings=("b.md is left out",),
    )
    markdown = answer_markdown(answer)
    assert "**Your notes do not seem to answer this.**" in markdown
    assert "## Nearest passages\n\n1. [a.md:1](a.md) \u203a A\n" in markdown
    assert "## Warnings\n\n- b.md is left out\n" in markdown
    assert "ragqa verify" not in markdown
    saved = read_saved(io.BytesIO(markdown.encode()), "answer.md")
    assert saved.citations == ()


def test_what_is_missing_and_a_date_are_escaped():
    answer = make_answer(no_note_has=("INT4", "[x](y)"))
    forged = replace(answer.citations[0], note_date="[d](y)")
    close = answer_markdown(replace(answer, citations=(forged,)))
    assert "(\\[d\\](y))" in close
    assert "**Probably (no note has: INT4, \\[x\\](y)):**" in close


@given(st.lists(st.tuples(NASTY, NASTY, NASTY.filter(str.strip)), min_size=1, max_size=3))
def test_a_chat_is_text_too_and_has_one_record_of_all_that_it_cites(said):
    exchanges = [
        Exchange(asked, make_answer(question=question, quote=quote))
        for asked, question, quote in said
    ]
    markdown = chat_markdown(exchanges)
    types = {token.type for token in tokens_of(markdown)}
    assert types.isdisjoint({"image", "html_inline", "html_block"})
    saved = read_saved(io.BytesIO(markdown.encode("utf-8")), "chat.md")
    assert [one.n for one in saved.citations] == list(range(1, len(said) + 1))
    assert [one.quote for one in saved.citations] == [
        one.answer.citations[0].quote for one in exchanges
    ]
