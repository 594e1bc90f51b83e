"""What a tool says stays within its budget of tokens, and its data follows the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_mcp import talk, text_of
from support import write_notes

from ragqa.addresses import NotePart
from ragqa.passages import tokens
from ragqa.types import NoteRecord, Stamp

pytest.importorskip("mcp", reason="the extra mcp is not installed")
wording = pytest.importorskip("ragqa.serving.wording")


LINE = "Green tea is brewed at 80 degrees, and a paragraph may be one long line. "
NOTES = {
    "oneline.md": f"# One line\n\n{LINE * 900}\n\nthe end\n",
    **{f"small/note {n}.md": f"# Note {n}\n\nTea number {n} is green.\n" for n in range(20)},
    **{f"medium/{n}.md": f"---\ntags: [t{n}]\n---\n# Tea {n}\n\n{LINE * 9}" for n in range(30)},
}
QUOTES = [{"quote": LINE.strip()}, *({"quote": f"Tea number {n} is green."} for n in range(20))]
CALLS = [
    ("ask", {"question": "at how many degrees is green tea brewed?"}),
    ("search", {"query": "green tea degrees", "limit": 50}),
    ("get", {"address": "oneline.md:3"}),
    ("get", {"address": "oneline.md"}),
    ("verify", {"quotes": QUOTES}),
    ("why", {"question": "how is tea brewed?", "address": "note 3"}),
    ("status", {}),
    ("list", {}),
    ("related", {"address": "note 3", "limit": 50}),
]
BUDGETS = (50, 400, 2_000)
LISTS = ("citations", "earlier", "also", "passages", "hits", "related", "notes", "skipped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("budgets")
    write_notes(folder / "notes", NOTES)
    return folder


@pytest.fixture(scope="module")
def results(folder):
    """The result of each call with each budget, in one session."""
    cases = [(number, budget) for number in range(len(CALLS)) for budget in BUDGETS]
    calls = [(CALLS[n][0], CALLS[n][1] | {"max_tokens": budget}) for n, budget in cases]
    return dict(zip(cases, talk(folder, *calls), strict=True))


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("number", range(len(CALLS)))
def test_every_tool_stays_within_its_budget_and_says_what_is_cut(results, number, budget):
    got = results[number, budget]
    assert not got.is_error
    text, data = text_of(got), got.structured_content
    assert tokens.count([text])[0] <= budget
    assert text.strip()
    lists = LISTS if CALLS[number][0] != "why" else ()
    places = [one for key in lists for one in data.get(key, ())]
    assert [one["path"] for one in places if one["path"] not in text] == []
    if "not whole" in text or "Cut" in text:
        assert "max_tokens gives more" in text or "To go on: get" in text


def part_of(text, path, heading):
    record = NoteRecord(path, Stamp(0, 0), "0" * 64, True, "A title", ("tag",), "2026-01-02")
    lines = text.count("\n") + 1
    margin = tuple(map(str, range(1, lines + 1)))
    return NotePart(record, (1, lines), lines, (heading,), text, margin)


TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("a b\n\n \"'\\\u2060"), max_size=900)
TEXTS |= st.builds(lambda one, times: one * times, TEXTS, st.integers(1, 40))


@given(TEXTS, st.text(st.characters(codec="utf-8"), max_size=200), st.integers(50, 3_000))
def test_a_part_is_within_any_budget_and_goes_on_with_the_next_line(text, heading, budget):
    result = wording.part_result(part_of(text, "a.md", heading), {}, budget)
    assert tokens.count([result.text])[0] <= budget
    shown, following = result.data["text"], result.data["next"]
    assert text.startswith(shown.removesuffix("\u2026"))
    last, of = result.data["lines"][1], text.count("\n") + 1
    assert following == (f"a.md:{last + 1}-{of}" if last < of else None)
    assert shown == text or "Cut here" in result.text
