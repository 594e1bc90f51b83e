"""An LLM's answer from notes, through the Python interface."""

import pytest
from llms.asking import Backend
from support import write_notes

from ragqa import open_index
from ragqa.generation.writer import Writer
from ragqa.types import Fallback

NOTES = {
    "cats.md": "# Cats\n\nCats sleep for sixteen hours a day.\n\n## Food\n\nA cat eats mice.\n"
}
SLEEP = "how many hours do cats sleep?"
SAYS = "Cats sleep for sixteen hours a day [1]. "


@pytest.fixture
def index(tmp_path):
    notes = write_notes(tmp_path / "notes", NOTES)
    with open_index(notes, index=tmp_path / "index", settings={"embedder": "hashed:64"}) as opened:
        yield opened


@pytest.mark.parametrize("pieces", [[SAYS * 50], [SAYS] * 50], ids=["at once", "one by one"])
def test_checking_and_showing_what_it_wrote_ends_at_the_deadline_too(index, clock, pieces):
    told = []

    def tell(sentence):
        told.append(sentence)
        clock.now += 1

    llm = Backend(lambda: iter(pieces))
    answer = index.ask(SLEEP, writer=Writer(llm, deadline_s=3, force=True, on_sentence=tell))
    assert answer.written.fallback is Fallback.FAILED
    assert answer.written.why == "odd:one did not finish in time"
    assert "llm_deadline_s" in answer.written.hint
    assert len(told) == 3
    assert answer.backend == "extractive"
    assert answer.citations[0].path == "cats.md"
