"""Render a written answer with its citation numbers, and make the citations."""

from collections.abc import Collection, Mapping, Sequence

from ragqa.answering import quotation
from ragqa.types import Citation, Hit, Span, WrittenSentence
from ragqa.writing.draft import Drafted


def text_of(sentences: Sequence[WrittenSentence]) -> str:
    """The answer's text, each sentence with its citation numbers."""
    return "".join(f"{one.lead}{cited_text(one)}" for one in sentences)


def cited_text(sentence: WrittenSentence) -> str:
    """A sentence with its citation numbers, which go on a new line after a code block."""
    left = [f"[{n}]" for n in sentence.citations if f"[{n}]" not in sentence.text]
    between = "\n" if "\n" in sentence.text else " "
    return between.join([sentence.text, " ".join(left)]) if left else sentence.text


def with_marks(drafted: Drafted, known: Collection[int]) -> str:
    """A sentence with the known citation numbers put back inside it."""
    pieces: list[str] = []
    start = 0
    for place, numbers in drafted.within:
        before = drafted.text[start:place]
        marks = " ".join(f"[{n}]" for n in numbers if n in known)
        space = " " if marks and (before or pieces) and not before.endswith((" ", "(")) else ""
        after = " " if marks and drafted.text[place : place + 1].isalnum() else ""
        pieces += [before, space, marks, after]
        start = place
    return "".join([*pieces, drafted.text[start:]])


def cite_passages(
    hits: Sequence[Hit], evidence: Mapping[int, Sequence[Span]], old_before: str
) -> tuple[Citation, ...]:
    """Cite, for each passage, the part that supports the sentences.

    :param evidence: by passage number, the spans of its text that support a sentence; if empty, the
        whole passage is cited.
    """
    return tuple(
        _citation(hits[n - 1], n, spans, old_before) for n, spans in sorted(evidence.items())
    )


def _citation(hit: Hit, n: int, spans: Sequence[Span], old_before: str) -> Citation:
    passage = hit.passage
    start = passage.start + min((start for start, _ in spans), default=0)
    end = passage.start + max((end for _, end in spans), default=len(passage.text))
    units = [unit for unit in passage.units if unit.start < end and start < unit.end]
    return quotation(passage, units or passage.units, n=n, score=hit.score, old_before=old_before)
