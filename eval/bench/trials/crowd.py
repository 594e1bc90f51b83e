"""Many refreshes with askers beside them: each answer comes wholly from one generation.

Every round adds its notes, removes those of the oldest round and refreshes, so generation 17 holds
the notes of the rounds 15, 16 and 17 and of no other.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragqa.api import Index
from ragqa.errors import RagqaError
from ragqa.text.words import query_terms
from ragqa.types import Filters
from trials.children import MAX_SECONDS, End, must, run, start
from trials.verdicts import Trial
from trials.worlds import AS_IT_IS, LARGE_INDEX, World, as_if

ROUNDS = 3
STATIONS = 3
QUESTION = "Which lamp shone at the station in this round?"

_ROUND = re.compile(r"round (\d+)")
_ALL = 10 * ROUNDS * STATIONS


@dataclass(frozen=True, slots=True)
class Asked:
    """What one asker saw; `mixes` and `errors` are told in a sentence each."""

    answers: int = 0
    generations: int = 0
    mixes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def trials(folder: Path, *, quick: bool) -> Iterator[Trial]:
    """Both ways that a refresh can go, beside askers."""
    refreshes, askers = (20, 2) if quick else (500, 4)
    for large in (False, True):
        (place := folder / f"large-{large}").mkdir()
        seen, crashes = _crowd(place, refreshes=refreshes, askers=askers, large=large)
        name = f"{refreshes} refreshes{' of a large index' if large else ''}"
        answered = sum(each.answers for each in seen)
        generations = max((each.generations for each in seen), default=0)
        yield Trial(
            f"refreshes beside {askers} askers",
            name,
            f"{name} with {answered} answers of {generations} generations",
            wrong="; ".join(mix for each in seen for mix in each.mixes),
            amiss="; ".join([*(error for each in seen for error in each.errors), *crashes]),
        )


def _crowd(
    folder: Path, *, refreshes: int, askers: int, large: bool
) -> tuple[list[Asked], list[str]]:
    """Refresh an index so often while so many processes ask it without a pause; who crashed."""
    world, done = World(folder / "world"), folder / "done"
    must(lambda: _refresh(world, first=1, last=1, large=large))
    limit = MAX_SECONDS + refreshes
    children = [start(lambda: _ask_until(world, done), seconds=limit) for _ in range(askers)]
    writer = run(lambda: _refresh(world, first=2, last=refreshes + 1, large=large), seconds=limit)
    done.touch()
    ends = [child.end() for child in children]
    return [end.value for end in ends if end.value], _crashes(writer, *ends)


def _refresh(world: World, *, first: int, last: int, large: bool) -> int:
    """One generation for each round; gives the last one's number."""
    generation = 0
    for number in range(first, last + 1):
        _write_round(world, number)
        with as_if(LARGE_INDEX if large else AS_IT_IS), world.open() as index:
            generation = index.refresh().info.generation
        if generation != number:
            raise RuntimeError(f"round {number} made generation {generation}")
    return generation


def _write_round(world: World, number: int) -> None:
    (folder := world.notes / str(number)).mkdir(parents=True)
    for place in range(STATIONS):
        text = f"# Station {place}\n\nIn round {number} lamp {place} shone.\n"
        (folder / f"station{place}.md").write_text(text)
    shutil.rmtree(world.notes / str(number - ROUNDS), ignore_errors=True)


def _rounds(generation: int) -> range:
    """The rounds whose notes a generation holds."""
    return range(max(1, generation - ROUNDS + 1), generation + 1)


def _stands(world: World, generation: int) -> bool:
    """Whether a note of a generation is there, as it then was when it was asked for."""
    return any(any(world.notes.glob(f"{number}/*.md")) for number in _rounds(generation))


def _ask_until(world: World, done: Path) -> Asked:
    answers = 0
    generations: set[int] = set()
    mixes, errors = [], []
    while not (answers and done.exists()):
        answers += 1
        try:
            with world.open() as index:
                generation, texts = _answer(index) if answers % 2 else _snapshot(index)
        except RagqaError as exc:
            errors.append(f"{type(exc).__name__}: {exc.message}")
            continue
        generations.add(generation)
        if not texts and _stands(world, generation):
            errors.append(f"generation {generation} gave nothing, and notes of it still stand")
        rounds = [int(found) for text in texts for found in _ROUND.findall(text)]
        if not set(rounds) <= set(_rounds(generation)) or len(rounds) != len(texts):
            mixes.append(f"generation {generation} gave passages of the rounds {rounds}")
    return Asked(answers, len(generations), mixes, errors)


def _answer(index: Index) -> tuple[int, Sequence[str]]:
    """What is cited and what was found, as far as it stands in the notes of this moment."""
    answer = index.ask(QUESTION, refresh=False)
    quotes = [citation.quote for citation in answer.citations if "round" in citation.quote]
    return answer.info.generation, [*quotes, *(hit.passage.text for hit in answer.hits)]


def _snapshot(index: Index) -> tuple[int, Sequence[str]]:
    """All that the catalogue, the terms and the vectors of one generation hold."""
    with closing(index.snapshot()) as snapshot:
        vector = index.source.embedders.asking.embed_query(QUESTION).pooled
        legs = (
            snapshot.dense(vector, _ALL, Filters()),
            snapshot.terms(query_terms(QUESTION), _ALL, Filters()),
        )
        texts = [
            passage.text
            for leg in legs
            for passage in snapshot.passages([passage_id for passage_id, _ in leg])
        ]
        generation = snapshot.info.generation
    notes = STATIONS * len(_rounds(generation))
    if len(texts) != 2 * notes or len(set(texts)) != notes:
        raise RagqaError(f"generation {generation} does not give each note by each leg: {texts}")
    return generation, texts


def _crashes(*ends: End[Any]) -> list[str]:
    return [end.traceback or f"signal {end.signal}" for end in ends if end.traceback or end.signal]
