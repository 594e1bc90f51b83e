"""A folder of notes, and answers that cite them."""

from pathlib import Path

import pytest

from ragqa.config import Settings
from ragqa.saved import SavedAnswer, SavedCitation
from ragqa.types import Corpus
from ragqa.verify import verify


class Notes:
    """Notes to write, cite and hold citations against."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, path, text):
        """Write a note as it is, line ends included; bytes or text."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def cite(self, path, quote, *, after=""):
        """A citation of a quote in a note as it is now; of several, the first after some text."""
        text = (self.folder / path).read_bytes().decode("utf-8-sig")
        start = text.index(quote, text.index(after))
        first = text.count("\n", 0, start) + 1
        lines = (first, first + quote.count("\n"))
        return SavedCitation(1, path, lines, (start, start + len(quote)), quote)

    def check(self, *citations):
        """What became of the citations."""
        found = verify(
            SavedAnswer("why?", citations),
            Corpus.of(self.folder),
            Settings(max_note_bytes=100_000),
            lambda *_: None,
        )
        for checked in found.checked:
            place = checked.place
            if place is not None:
                text = Path(self.folder / place.path).read_bytes().decode("utf-8-sig")
                assert text[slice(*place.chars)] == place.text
        return found


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return Notes(folder)
