"""Notes and parts of them, by address."""

import pytest
from support import QUICK, run_ragqa, write_notes


@pytest.fixture
def get(tmp_path):
    def run(text, address):
        write_notes(tmp_path / "notes", {"a.md": text})
        given = ("--corpus", tmp_path / "notes", "--index", tmp_path / "index", "--json")
        return run_ragqa("get", address, *given, env=QUICK).document

    return run


def test_lines_are_those_that_citations_count_whatever_else_breaks_a_line(get):
    found = get("# A\n\nfirst\x0cpage\u2028same line\n\nthe fifth line\n", "a.md:5")
    assert found["text"] == "the fifth line"
    assert found["total_lines"] == 5
    assert found["heading"] == ["A"]


def test_line_ends_of_windows_are_no_part_of_a_line(get):
    assert get("# A\r\n\r\nthird\r\n", "a.md:1-3")["text"] == "# A\n\nthird"


def test_what_is_hidden_keeps_the_numbers_of_the_lines_below(get):
    found = get("---\napi_key: x\n---\n# A\n\n<!-- no\nno -->\n\nninth\n", "a.md#A")
    assert "no" not in found["text"]
    assert found["text"].endswith("ninth")
    assert found["lines"] == [4, 9]
