"""What a chat prints beside answers: the completed question, full sources, and commands."""

from collections.abc import Mapping, Sequence

from ragqa.render import results
from ragqa.render.results import Linker, marked, print_place
from ragqa.render.screen import put
from ragqa.types import Answer, Hit

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


def _print_hit(hit: Hit, n: int, question: str, linker: Linker) -> None:
    passage = hit.passage
    print_place(linker.place(passage.path, passage.lines, hit.locator), passage.heading, n=n)
    put(marked(passage.text, question, passage.language), indent=_INDENT)
