"""Ask the same questions of plain tools and of ragqa, and compare the first thing that each shows.

    python eval/baselines.py --set QUESTIONS NOTES --set QUESTIONS NOTES

Each set is a file of questions with gold excerpts (docs/evaluation.md) and its folder of notes. A
tool shows one stretch of one note, or nothing:

grep     the paragraph of the first line that has the question's rarest word that any line has
BM25     the best passage by Okapi BM25 (Robertson et al., TREC-3, 1994), k1 1.2 and b .75
MiniLM   the best passage by all-MiniLM-L6-v2 in a flat FAISS index
ragqa    the first excerpt of its answer

Passages are whole paragraphs of a note, joined up to 120 words.
"""

import argparse
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import faiss

from ragqa import Index, open_index
from ragqa.embedders import DEFAULT_MODEL
from ragqa.embedders.models import find_model
from ragqa.evaluation.measures import GOOD_COVERAGE, score_citations
from ragqa.evaluation.questions import GoldExcerpt, GoldQuestion, read_questions
from ragqa.text.words import is_stop_word
from ragqa.types import Citation

PASSAGE_WORDS = 120
K1, B = 1.2, 0.75

_PARAGRAPH = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a note, as a citation has it."""

    path: str
    chars: tuple[int, int]
    quote: str


Show = Callable[[str], Sequence[Stretch | Citation]]
"""Gives what a tool shows first for a question, nothing if it finds nothing."""


def words(text: str) -> list[str]:
    """The words of a text in lower case, without English stop words."""
    found = (word.lower() for word in _WORD.findall(text))
    return [word for word in found if not is_stop_word(word, "en")]


def paragraphs(notes: Path) -> list[Stretch]:
    """The paragraphs of all Markdown notes of a folder, in the order of their paths."""
    found = []
    for path in sorted(notes.rglob("*.md")):
        text = path.read_bytes().decode("utf-8-sig", "replace")
        name = path.relative_to(notes).as_posix()
        found += [Stretch(name, m.span(), m.group()) for m in _PARAGRAPH.finditer(text)]
    return found


def joined(parts: Sequence[Stretch]) -> list[Stretch]:
    """Passages: paragraphs of a note, joined as long as they have at most 120 words together."""
    passages: list[Stretch] = []
    for part in parts:
        last = passages[-1] if passages else None
        if last and last.path == part.path:
            quote = f"{last.quote}\n{part.quote}"
            if len(quote.split()) <= PASSAGE_WORDS and last.chars[1] + 1 == part.chars[0]:
                passages[-1] = Stretch(part.path, (last.chars[0], part.chars[1]), quote)
                continue
        passages.append(part)
    return passages


def by_grep(parts: Sequence[Stretch]) -> Show:
    """`grep -i` for the rarest word: the paragraph of its first line."""
    lowered = [part.quote.lower() for part in parts]

    def show(question: str) -> Sequence[Stretch]:
        counts = {word: sum(word in text for text in lowered) for word in words(question)}
        had = {word: count for word, count in counts.items() if count}
        if not had:
            return ()
        rarest = min(had, key=lambda word: (had[word], -len(word)))
        return [next(part for part, text in zip(parts, lowered, strict=True) if rarest in text)]

    return show


def by_bm25(passages: Sequence[Stretch]) -> Show:
    """Okapi BM25 over lower-cased words."""
    counts = [Counter(words(one.quote)) for one in passages]
    lengths = [count.total() for count in counts]
    mean = sum(lengths) / len(lengths)
    df = Counter(word for count in counts for word in count)

    def score(n: int, asked: Sequence[str]) -> float:
        return sum(
            math.log(1 + (len(counts) - df[word] + 0.5) / (df[word] + 0.5))
            * (tf * (K1 + 1) / (tf + K1 * (1 - B + B * lengths[n] / mean)))
            for word in asked
            if (tf := counts[n][word])
        )

    def show(question: str) -> Sequence[Stretch]:
        scores = [score(n, words(question)) for n in range(len(passages))]
        best = max(range(len(passages)), key=scores.__getitem__)
        return [passages[best]] if scores[best] else ()

    return show


def by_minilm(passages: Sequence[Stretch]) -> Show:
    """The nearest passage by all-MiniLM-L6-v2 in a flat FAISS index; what is too long is cut."""
    # Late: ragqa has switched its telemetry off by now.
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_model(DEFAULT_MODEL).path), device="cpu")
    texts = [passage.quote for passage in passages]
    vectors = model.encode(texts, normalize_embeddings=True)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def show(question: str) -> Sequence[Stretch]:
        _, rows = index.search(model.encode([question], normalize_embeddings=True), 1)
        return [passages[int(rows[0][0])]]

    return show


def by_ragqa(index: Index) -> Show:
    """The first excerpt of an answer, nothing where ragqa says that the notes do not answer."""
    index.refresh()

    def show(question: str) -> Sequence[Citation]:
        answer = index.ask(question, refresh=False)
        return answer.citations if answer.answered else ()

    return show


@dataclass(slots=True)
class Tally:
    """What a tool has shown for the questions so far."""

    answerable: int = 0
    holds: int = 0
    good: int = 0
    words: int = 0
    shown: int = 0
    far: int = 0
    silent: int = 0

    def add(
        self, question: GoldQuestion, gold: Sequence[Sequence[GoldExcerpt]], tool: Show
    ) -> None:
        """Ask a question. Near misses are left out."""
        if question.kind == "near":
            return
        shown = tool(question.question)
        if question.kind == "far":
            self.far += 1
            self.silent += not shown
            return
        score = score_citations(shown, gold)  # type: ignore[arg-type] # has what it reads
        self.answerable += 1
        self.holds += score.coverage >= GOOD_COVERAGE
        self.good += score.good
        self.shown += bool(shown)
        self.words += sum(len(one.quote.split()) for one in shown)

    def row(self, name: str) -> str:
        """A row of the table."""
        share = (f"{count / self.answerable:.0%}" for count in (self.holds, self.good))
        mean = round(self.words / max(self.shown, 1))
        return f"| {name} | {' | '.join(share)} | {mean} | {self.silent} of {self.far} |"


def gold_of(question: GoldQuestion, notes: Path) -> Iterator[Sequence[GoldExcerpt]]:
    """The alternative gold excerpts of each part of a question."""
    for part in question.parts:
        yield [
            GoldExcerpt(one.note, text.index(one.quote), one.quote)
            for one in question.gold
            if one.part == part
            for text in [(notes / one.note).read_bytes().decode("utf-8-sig", "replace")]
        ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--set", nargs=2, action="append", required=True, metavar=("QUESTIONS", "NOTES")
    )
    tallies: dict[str, Tally] = {}
    for questions, folder in parser.parse_args().set:
        notes = Path(folder)
        with TemporaryDirectory() as made, open_index(notes, index=Path(made)) as index:
            parts = paragraphs(notes)
            tools = {
                "`grep -i`, rarest word": by_grep(parts),
                "BM25, first passage": by_bm25(joined(parts)),
                "MiniLM and FAISS, first passage": by_minilm(joined(parts)),
                "ragqa, first excerpt": by_ragqa(index),
            }
            for question in read_questions(Path(questions)):
                gold = list(gold_of(question, notes))
                for name, tool in tools.items():
                    tallies.setdefault(name, Tally()).add(question, gold, tool)
    print("| | has the answer | just the answer | words | silent on other topics |")
    print("| --- | --- | --- | --- | --- |")
    for name, tally in tallies.items():
        print(tally.row(name))


if __name__ == "__main__":
    main()
