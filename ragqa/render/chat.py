"""What a chat prints beside answers: the completed question, full sources, and commands."""

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from ragqa.errors import UsageError
from ragqa.render import results
from ragqa.render.results import Linker, marked, print_place
from ragqa.render.screen import put
from ragqa.sanitise import safe_text
from ragqa.types import Answer, Citation, Hit, Passage

_INDENT = 3


def print_asked_as(question: str) -> None:
    """Print the completed form of a follow-up question."""
    put(f"Asked as: {question}", "quiet")


def print_not_llm_answer(numbers: Sequence[int]) -> None:
    """Print that the explanation is not about the LLM's answer, and what the LLM saw of the note.

    :param numbers: the numbers of the note's passages that the LLM was given.
    """
    given = " and ".join(f"[{n}]" for n in numbers)
    about = "This is about the answer in your notes' own words, which the LLM's answer replaced."
    seen = f"The LLM was given it as {given}." if numbers else "The LLM was not given it."
    put(f"{about} {seen}")


def print_commands(commands: Mapping[str, str]) -> None:
    """Print the commands of a chat, each with its description."""
    width = max(map(len, commands))
    for name, description in commands.items():
        put(f"{name:<{width}}  {description}", hang=width + 2)


def print_sources(answer: Answer, linker: Linker) -> None:
    """Print all sources of an answer with full quotes, or the nearest passages if it has none."""
    if not answer.citations:
        for n, hit in enumerate(answer.hits, start=1):
            _print_hit(hit, n, answer.looked_for, linker)
        return
    results.print_sources(answer, linker, quoted=True)


def print_source(answer: Answer, n: int, linker: Linker) -> None:
    """Print the passage or passages around source `n`, with the quote marked.

    :raises UsageError: there is no source `n`.
    """
    if not answer.citations:
        hits = answer.hits[n - 1 : n] if n > 0 else ()
        if not hits:
            raise _no_source(n, range(1, len(answer.hits) + 1))
        _print_hit(hits[0], n, answer.looked_for, linker)
        return
    citation = next((one for one in answer.citations if one.n == n), None)
    if citation is None:
        raise _no_source(n, [one.n for one in answer.citations])
    place = linker.cited(citation)
    print_place(place, citation.heading, n=n)
    before, after = _around(citation, (hit.passage for hit in answer.hits))
    style = "match" if before or after else ""
    text = Text.assemble(before, (safe_text(citation.quote), style), after)
    put(text, indent=_INDENT)


def _print_hit(hit: Hit, n: int, question: str, linker: Linker) -> None:
    passage = hit.passage
    print_place(linker.place(passage.path, passage.lines, hit.locator), passage.heading, n=n)
    put(marked(passage.text, question, passage.language), indent=_INDENT)


def _around(citation: Citation, passages: Iterable[Passage]) -> tuple[str, str]:
    """The text before a citation in its first passage, and after it in its last; sanitised.

    Either is "" if there is none.
    """
    start, end = citation.chars
    own = [one for one in passages if one.path == citation.path]
    before = (one.text[: start - one.start] for one in own if one.start <= start < one.end)
    after = (one.text[end - one.start :] for one in own if one.start < end <= one.end)
    return safe_text(next(before, "")), safe_text(next(after, ""))


def _no_source(n: int, numbers: "range | list[int]") -> UsageError:
    return UsageError(
        f"the last answer has no source {n}; there are: {', '.join(map(str, numbers)) or 'none'}"
    )
