"""What a chat prints beside answers: the completed question, full sources, and commands."""

from collections.abc import Mapping

from ragqa.render import results
from ragqa.render.results import Linker, marked, print_place
from ragqa.render.screen import put
from ragqa.types import Answer, Hit

_INDENT = 3


def print_asked_as(question: str) -> None:
    """Print the completed form of a follow-up question."""
    put(f"Asked as: {question}", "quiet")


def print_question(question: str) -> None:
    """Print a question that came from standard input, where nobody saw it typed."""
    put(f"> {question.strip()}", "heading")


def print_not_llm_answer() -> None:
    """Print that the explanation is not about the LLM's answer."""
    put("This is about the answer in your notes' own words, which the LLM's answer replaced.")


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
