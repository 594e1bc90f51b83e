"""The text of a written answer with its numbers, and the passages behind them."""

from collections.abc import Collection, Mapping, Sequence

from ragqa.answering import quotation
from ragqa.types import Citation, Hit, WrittenSentence
from ragqa.writing.draft import Drafted

Span = tuple[int, int]


def text_of(sentences: Sequence[WrittenSentence]) -> str:
    """The answer's text, each sentence with the numbers that it cites."""
    return "".join(f"{one.lead}{cited_text(one)}" for one in sentences)


def cited_text(sentence: WrittenSentence) -> str:
    """A sentence with the numbers that it cites; below it where it ends with a block of code."""
    left = [f"[{n}]" for n in sentence.citations if f"[{n}]" not in sentence.text]
    between = "\n" if "\n" in sentence.text else " "
    return between.join([sentence.text, " ".join(left)]) if left else sentence.text


def with_marks(drafted: Drafted, known: Collection[int]) -> str:
    """A sentence with the numbers that stand in the midst of it, those that are known."""
    pieces: list[str] = []
    start = 0
    for place, numbers in drafted.within:
        before = drafted.text[start:place]
        marks = " ".join(f"[{n}]" for n in numbers if n in known)
        space = " " if marks and (before or pieces) and not before.endswith((" ", "(")) else ""
        behind = " " if marks and drafted.text[place : place + 1].isalnum() else ""
        pieces += [before, space, marks, behind]
        start = place
    return "".join([*pieces, drafted.text[start:]])


def cite_passages(
    hits: Sequence[Hit], evidence: Mapping[int, Sequence[Span]], old_before: str
) -> tuple[Citation, ...]:
    """A citation for each passage cited: the stretch of it that its sentences rest on.

    :param evidence: for each number the spans of the passage's text that support a sentence.
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
