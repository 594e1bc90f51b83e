"""A note's own bracketed numbers are told apart from ragqa's citations, wherever an answer goes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying, write_notes

from ragqa import open_index
from ragqa.generation import Writer, request_for
from ragqa.generation.draft import drafted_from
from ragqa.llms import Destination
from ragqa.types import Hit, Kind, Passage, Unit

CITED = re.compile(r"\[\d+\]")
SAID = "The transformer was introduced in 2017 by Vaswani [1] [2], as a survey says [1, 3]."
APART = "The transformer was introduced in 2017 by Vaswani [ 1 ] [ 2 ], as a survey says [ 1, 3 ]."
NOTES = {
    "models.md": f"# Models\n\n{SAID}\n",
    "tea.md": "# Tea\n\nGreen tea is brewed at 80 degrees.\n",
}
WHEN = "when was the transformer introduced?"


@pytest.fixture
def folder(tmp_path):
    return write_notes(tmp_path / "notes", NOTES)


@pytest.fixture
def index(folder, tmp_path):
    settings = {"embedder": "hashed:64"}
    with open_index(folder, index=tmp_path / "index", settings=settings) as opened:
        yield opened


def test_the_only_number_in_brackets_of_an_answer_is_its_citation_wherever_it_goes(
    quick, folder, tmp_path
):
    def ask(form):
        places = ("--corpus", folder, "--index", tmp_path / "index")
        return quick("ask", WHEN, "--format", form, *places)

    assert ask("json").document["answer"] == f"{APART} [1]"
    assert CITED.findall(ask("text").out) == []
    saved = tmp_path / "answer"
    for form in ("json", "markdown"):
        saved.write_text(ask(form).out, encoding="utf-8")
        checked = quick("verify", saved, "--corpus", folder, "--json").document
        assert checked["sound"]
        assert [one["quote"] for one in checked["citations"]] == [SAID]
    assert f"```\n{SAID}\n```" in saved.read_text(encoding="utf-8")


class Repeating:
    """An LLM that repeats what stands in its prompt, or says something of its own."""

    destination = Destination("odd:one")

    def __init__(self, says=""):
        self._says = says

    def stream(self, prompt, **_):
        line = next(one for one in prompt.message.split("\n") if one.startswith("The transformer"))
        yield self._says or line


def test_an_llm_that_repeats_a_passage_with_its_numbers_cites_nothing(index):
    answer = index.ask(WHEN, writer=Writer(Repeating(), force=True))
    assert [one.citations for one in answer.written.sentences] == [()]
    assert answer.written.invalid_citations == ()
    assert answer.backend == "extractive"


def test_a_number_in_the_code_of_an_llm_stands_for_no_citation(index):
    says = "Vaswani introduced the transformer in 2017, see `rows[1]` [1]."
    answer = index.ask(WHEN, writer=Writer(Repeating(says), force=True))
    assert answer.text == "Vaswani introduced the transformer in 2017, see `rows[ 1 ]`. [1]"
    assert [one.n for one in answer.citations] == [1]


PIECES = st.sampled_from("[[]]\u3010\u301112-\u2013,;^a\u2020 \n")
PIECES |= st.sampled_from(["[1]", "[^2]", "[1](b)", "and", "source ", "passage 3", ". B", "[2, 3]"])


@given(st.lists(PIECES, max_size=30).map("".join))
@trying(300)
def test_no_passage_has_a_citation_that_can_be_repeated(text):
    passage = Passage(
        1, 1, "a.md", "A", 0, len(text), (1, 1), ("A",), text, (Unit(Kind.PARAGRAPH, 0, 1, ""),), ""
    )
    hit = Hit(passage, 1.0, 0.5, 2.0)
    message = request_for("what?", [hit], max_tokens=9_000, key="k").prompt.message
    shown = message.partition("A\n\n")[2].partition("\n--- end")[0]
    assert [drafted.numbers for drafted in drafted_from([shown]) if drafted.numbers] == []
