"""The last question about some notes, kept so that one can go on from its answer."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Self

import msgspec
from msgspec import Struct, structs

from ragqa.config import Settings, history_file
from ragqa.corpus import Corpus
from ragqa.errors import UsageError
from ragqa.safe import write_private
from ragqa.types import Answer, Citation, Filters
from ragqa.types.answers import FURTHER

_FOLDER = "last"


class Asked(Struct, frozen=True):
    """A question, and what of its answer was shown.

    `sources` are the path and the line of each source by its number, `cited` is the highest number
    of a citation; `whole` further excerpts were shown whole.
    """

    question: str
    filters: Filters
    sources: dict[int, tuple[str, int]]
    cited: int = 0
    whole: int = 0

    @classmethod
    def of(cls, answer: Answer, filters: Filters) -> Self:
        """An answer as first shown; the sources of one that cites nothing are the passages."""
        near = {n: hit.passage for n, hit in enumerate(answer.hits, start=1)}
        cited = max((one.n for one in answer.citations), default=0)
        shown = _places((*answer.citations, *answer.also))
        sources = shown if cited else {n: (one.path, one.lines[0]) for n, one in near.items()}
        return cls(answer.question, filters, sources, cited)

    def source(self, n: int) -> tuple[str, int]:
        """The note and the line of a source.

        :raises UsageError: there is none with this number.
        """
        if n not in self.sources:
            numbers = ", ".join(map(str, self.sources)) or "none"
            raise UsageError(f"the last answer has no source {n}; there are: {numbers}")
        return self.sources[n]

    def ask_on(self, ask: Callable[..., Answer]) -> tuple[Answer, Self]:
        """Ask again: an answer whose further excerpts are the next ones, and what is shown then.

        :param ask: `Index.ask`.
        """
        answer = ask(self.question, filters=self.filters, further=self.whole + FURTHER)
        before = self.cited + self.whole
        following = enumerate(answer.also[self.whole :], start=before + 1)
        also = tuple(replace(one, n=n) for n, one in following)
        if not also:
            return replace(answer, also=()), self
        kept = {n: place for n, place in self.sources.items() if n <= before}
        whole = self.whole + len(also)
        shown = structs.replace(self, sources=kept | _places(also), whole=whole)
        return replace(answer, also=also), shown


def _places(citations: Iterable[Citation]) -> dict[int, tuple[str, int]]:
    return {one.n: (one.path, one.lines[0]) for one in citations}


def keep(asked: Asked, settings: Settings, corpus: Corpus) -> None:
    """Keep it for the next command; if it cannot be written, nothing is kept."""
    file = history_file(settings, corpus, _FOLDER)
    if file is None:
        return
    try:
        write_private(file, msgspec.json.encode(asked).decode())
    except OSError:
        with suppress(OSError):  # an older question would pass for this one
            file.unlink()


def last_asked(settings: Settings, corpus: Corpus) -> Asked:
    """What was kept.

    :raises UsageError: there is nothing, or it cannot be read.
    """
    file = history_file(settings, corpus, _FOLDER)
    if file is None:
        raise UsageError("questions are not kept", hint="ragqa config set history on")
    try:
        return msgspec.json.decode(file.read_bytes(), type=Asked)
    except (OSError, ValueError) as exc:
        raise UsageError(
            "nothing has been asked of these notes yet", hint="ragqa ask QUESTION"
        ) from exc
