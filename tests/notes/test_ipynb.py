"""Jupyter notebooks: cells as Markdown, and the cell of a place."""

import json

import pytest

from ragqa.notes import parse_note
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Kind, Stamp

FORMAT = FORMATS["ipynb"]


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def markdown(source):
    return {"cell_type": "markdown", "source": source}


def stream(text):
    return {"output_type": "stream", "text": text}


def document_of(*cells, **more):
    return FORMAT.convert(json.dumps({"cells": cells, "nbformat": 4} | more).encode())


def blocks(document):
    note = parse_note("a.ipynb", document, "", Stamp(0, 0))
    return [(b.kind, note.text[b.start : b.end]) for b in note.blocks]


def test_cells_are_markdown_and_code_and_short_outputs_are_text():
    cells = markdown(["# Top\n", "\n", "Said."]), code("x = 1\nx", stream("1\n"))
    assert blocks(document_of(*cells, markdown("After."))) == [
        (Kind.HEADING, "# Top"),
        (Kind.PARAGRAPH, "Said."),
        (Kind.CODE, "```\nx = 1\nx\n```"),
        (Kind.CODE, "```\n1\n```"),
        (Kind.PARAGRAPH, "After."),
    ]


def test_a_place_is_named_by_its_cell():
    text = document_of(
        markdown("# Top\n\nSaid."),
        {"cell_type": "raw", "source": "no"},
        code("x = 1\ny = 2", stream("9")),
    )
    for words, place in (("Said.", "cell 1"), ("y = 2", "cell 3"), ("9", "cell 3, output")):
        start = text.text.index(words)
        assert text.locate((start, start + len(words))) == place
    assert text.locate((text.text.index("Said."), text.text.index("y ="))) == "cells 1-3"
    start, end = text.span_at("cell 3, output")
    assert text.text[start:end].strip() == "```\n9\n```"
    assert text.span_at("cell 4") is None
    assert text.span_at("page 1") is None


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ({"output_type": "execute_result", "data": {"text/plain": ["4", "2"]}}, "42"),
        ({"output_type": "display_data", "data": {"text/markdown": ["97 ", "cubes"]}}, "97 cubes"),
        ({"output_type": "display_data", "data": {"text/html": "<b>96 cubes</b>"}}, ""),
        ({"output_type": "display_data", "data": {"text/plain": "<Figure size 1x1>"}}, ""),
        ({"output_type": "error", "ename": "KeyError", "evalue": "'a'"}, "KeyError: 'a'"),
        (stream("\x1b[31mred\x1b[0m"), "red"),
        (stream("line\n" * 100), ""),
        (stream("x" * 10_000), ""),
        ("nonsense", ""),
    ],
)
def test_outputs_are_shown_if_they_are_short_and_text(output, shown):
    text = document_of(code("f()", output))
    assert text.text.count("```") == (4 if shown else 2)
    assert shown in text.text


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"cells": 1}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_notebook_is_refused_in_words(data):
    with pytest.raises(Unfit, match=r"not a notebook|not UTF-8"):
        FORMAT.convert(data)


def test_cells_of_any_shape_do_no_harm():
    odd = [1, None, {}, {"cell_type": "code", "source": 5, "outputs": 3}, markdown([1, "a\f\v\0b"])]
    assert "ab" in document_of(*odd, metadata=[]).text


@pytest.mark.parametrize(
    "source",
    ["```\nopen", "- a\n  <!-- b\n\nc", "<script>\nx", "<?php", "````\n```\nx", "1. ```\n   x"],
)
def test_what_a_cell_leaves_open_does_not_take_the_next_ones(source):
    document = document_of(
        code("'''\n```\nno\n```\n'''"), markdown(source), markdown("88 debtors.")
    )
    assert blocks(document)[0] == (Kind.CODE, "````\n'''\n```\nno\n```\n'''\n````")
    assert blocks(document)[-1] == (Kind.PARAGRAPH, "88 debtors.")
