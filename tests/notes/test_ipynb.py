"""Jupyter notebooks: the cell of a place, and what is none. Cells: `test_parse.py`."""

import json

import pytest

from ragqa.notes import extraction
from ragqa.notes.formats import FORMATS, Unfit

FORMAT = FORMATS["ipynb"]


def test_a_place_is_named_by_its_cell():
    output = {"output_type": "stream", "text": "9"}
    cells = [
        {"cell_type": "markdown", "source": "# Top\n\nSaid."},
        {"cell_type": "raw", "source": "no"},
        {"cell_type": "code", "source": "x = 1\ny = 2", "outputs": [output]},
    ]
    text = extraction.convert(FORMAT, json.dumps({"cells": cells, "nbformat": 4}).encode())
    for words, place in (("Said.", "cell 1"), ("y = 2", "cell 3"), ("9", "cell 3, output")):
        start = text.text.index(words)
        assert text.locate((start, start + len(words))) == place
    assert text.locate((text.text.index("Said."), text.text.index("y ="))) == "cells 1-3"
    start, end = text.span_at("cell 3, output")
    assert text.text[start:end].strip() == "```\n9\n```"
    assert text.span_at("cell 4") is None
    assert text.span_at("page 1") is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"cells": 1}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_notebook_is_refused_in_words(data):
    with pytest.raises(Unfit, match=r"not a notebook"):
        extraction.convert(FORMAT, data)
