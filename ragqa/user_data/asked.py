"""The last question about some notes, kept to go on from its answer and to open its sources."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from typing import Self

from msgspec import Struct, convert, structs, to_builtins

from ragqa.config import Settings, history_file
from ragqa.corpus import Corpus
from ragqa.errors import UsageError
from ragqa.safe import read_own, write_private
from ragqa.types import Answer, Citation, Filters
from ragqa.types.answers import FURTHER
from ragqa.user_data import QuestionHistory

_LAST_FOLDER = "last"
_LAST_BYTES = 1_000_000


class ShownExcerpt(Struct, frozen=True):
    """An excerpt that was shown whole: its note as it was then, its characters and its words."""

    path: str
    note_sha256: str
    chars: tuple[int, int]
    words: str

    @classmethod
    def of(cls, citation: Citation) -> Self:
        """Keep a citation, its words only as a digest."""
        words = blake2b(citation.quote.encode(), digest_size=16).hexdigest()
        return cls(citation.path, citation.note_sha256, citation.chars, words)

    def has(self, other: Self) -> bool:
        """Whether an excerpt repeats this one, in part or in a note that changed elsewhere."""
        if (self.path, self.note_sha256) != (other.path, other.note_sha256):
            return (self.path, self.words) == (other.path, other.words)
        return self.chars[0] < other.chars[1] and other.chars[0] < self.chars[1]


class Asked(Struct, frozen=True):
    """A question, with the shown sources and excerpts of its answer.

    :param sources: the path and the line of each source by its number.
    :param last: the highest number of an excerpt that was shown whole.
    """

    question: str
    filters: Filters
    sources: dict[int, tuple[str, int]]
    last: int = 0
    shown: tuple[ShownExcerpt, ...] = ()

    @classmethod
    def of(cls, answer: Answer, filters: Filters) -> Self:
        """An answer as first shown; the sources of one that cites nothing are the passages."""
        whole = (*answer.citations, *(() if answer.sure else answer.also))
        shown = tuple(map(ShownExcerpt.of, whole))
        cited = (*answer.citations, *answer.also) if answer.citations else ()
        passages = enumerate((hit.passage for hit in answer.hits), start=1)
        sources = {citation.n: (citation.path, citation.lines[0]) for citation in cited} or {
            n: (passage.path, passage.lines[0]) for n, passage in passages
        }
        last = max((citation.n for citation in whole), default=0)
        return cls(answer.question, filters, sources, last, shown)

    def source(self, n: int) -> tuple[str, int]:
        """The note and the line of a source; raises if there is none with this number."""
        if n not in self.sources:
            numbers = ", ".join(map(str, self.sources)) or "none"
            raise UsageError(f"the last answer has no source {n}; there are: {numbers}")
        return self.sources[n]

    def ask_on(self, ask: Callable[..., Answer]) -> tuple[Answer, Self]:
        """Ask again with `Index.ask`, for the excerpts that were not shown yet.

        :returns: the answer with these excerpts in `also`, and what was shown of it up to them.
        """
        answer = ask(self.question, filters=self.filters, further=len(self.shown) + FURTHER)
        following = (
            citation
            for citation in (*answer.citations, *answer.also)
            if not any(before.has(ShownExcerpt.of(citation)) for before in self.shown)
        )
        also = tuple(
            replace(citation, n=n)
            for n, citation in enumerate(islice(following, FURTHER), self.last + 1)
        )
        if not also:
            return replace(answer, also=()), self
        sources = {n: source for n, source in self.sources.items() if n <= self.last}
        sources |= {citation.n: (citation.path, citation.lines[0]) for citation in also}
        shown = (*self.shown, *map(ShownExcerpt.of, also))
        asked = structs.replace(self, sources=sources, last=also[-1].n, shown=shown)
        return replace(answer, also=also), asked


def keep(asked: Asked, settings: Settings, corpus: Corpus) -> tuple[bool, str]:
    """Keep a question; return whether it is kept, and a warning if an older one stands for it."""
    file = history_file(settings, corpus, _LAST_FOLDER)
    if file is None:
        return False, ""
    try:
        # In ASCII, with escapes for what is no UTF-8 in the name of a note.
        write_private(file, json.dumps(to_builtins(asked)))
    except OSError as exc:
        if not file.exists():
            return False, ""
        why = f"{file} cannot be written: {exc.strerror}"
        return False, f"ragqa more and ragqa open are about an older question, as {why}"
    return True, ""


def remember(asked: Asked, settings: Settings, corpus: Corpus) -> tuple[bool, str]:
    """Keep a new question, as `keep` does, and add it to those asked before."""
    QuestionHistory(history_file(settings, corpus)).add(asked.question)
    return keep(asked, settings, corpus)


def last_asked(settings: Settings, corpus: Corpus) -> Asked:
    """The last question about these notes, as `keep` kept it; raises if there is none."""
    file = history_file(settings, corpus, _LAST_FOLDER)
    if file is None:
        raise UsageError("questions are not kept", hint="ragqa config set history on")
    with suppress(ValueError):
        if kept := read_own(file, "last question", size=_LAST_BYTES):
            return convert(json.loads(kept), Asked, str_keys=True)
    raise UsageError("nothing has been asked of these notes yet", hint="ragqa ask QUESTION")
