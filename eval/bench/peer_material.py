"""What all systems are given: a BEIR set as notes, ragqa's passages of them, questions, an edit."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from beir import PublicDocument, read_set

from ragqa import open_index
from ragqa.evaluation.measures import measure_ranking
from ragqa.notes import read_note
from ragqa.passages.split import split_note
from ragqa.types import Note, Passage

EDITS = Path(__file__).with_name("peers") / "edits.jsonl"
LONG_AGO = 1_700_000_000
FOLDER_NOTES = 1000


@dataclass(frozen=True, slots=True)
class Material:
    """The files that all systems read, and what their results are held against.

    `passages` and `questions` are files of texts by id, `edit` is one with the ids of passages
    `removed` and the texts `added`; `asked_after` has the questions about what was added.
    `edited` are the new texts of notes by path. `documents` has the document of each passage,
    `judged` the grades of each question's relevant documents. `holders` are the passages that hold
    what each question of `asked_after` asks for.
    """

    notes: Path
    passages: Path
    questions: Path
    edit: Path
    asked_after: Path
    edited: Mapping[str, str]
    documents: Mapping[str, str]
    judged: Mapping[str, Mapping[str, int]]
    holders: Mapping[str, frozenset[str]]

    def quality(self, rankings: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
        """nDCG@10 and recall@10 of each question, documents ranked by their best passage."""
        ranked = {
            question: list(dict.fromkeys(self.documents[id_] for id_ in ids))
            for question, ids in rankings.items()
        }
        found = [measure_ranking(one, ranked.get(id_, ())) for id_, one in self.judged.items()]
        return {name: [one[name] for one in found] for name in ("ndcg@10", "recall@10")}

    def share_found(self, rankings: Mapping[str, Sequence[str]], within: int) -> float:
        """The share of the edit's questions with a passage that answers among the first ones."""
        found = [not self.holders[id_].isdisjoint(ids[:within]) for id_, ids in rankings.items()]
        return sum(found) / len(self.holders)


def prepare(beir: Path, folder: Path) -> Material:
    """Write the notes and all other files below a folder, which is made."""
    collection = read_set(beir)
    documents = collection.documents
    paths = [f"{n // FOLDER_NOTES:02}/{n:05}.md" for n in range(len(documents))]
    notes, edited = folder / "notes", _edited(documents, paths)
    for path, document in zip(paths, documents, strict=True):
        write_note(notes, path, _note(document), stamp=LONG_AGO)
    for path, text in edited.items():
        write_note(folder / "edited", path, text, stamp=LONG_AGO)
    before, after = passages_of(notes), passages_of(folder / "edited")
    old = {str(p.id) for p in before if p.path in edited}
    new = {str(p.id): p for p in after}
    facts = _facts()
    judged = {query.id: query.text for query in collection.queries if query.id in collection.judged}
    document_of = {path: document.id for path, document in zip(paths, documents, strict=True)}
    return Material(
        notes=notes,
        passages=_dump(folder / "passages.json", {str(p.id): p.embedded_text for p in before}),
        questions=_dump(folder / "questions.json", judged),
        edit=_dump(
            folder / "edit.json",
            {
                "removed": sorted(old - set(new)),
                "added": {id_: p.embedded_text for id_, p in new.items() if id_ not in old},
            },
        ),
        asked_after=_dump(
            folder / "asked_after.json", {str(n): one["question"] for n, one in enumerate(facts)}
        ),
        edited=edited,
        documents={str(p.id): document_of[p.path] for p in before},
        judged=collection.judged,
        holders={
            str(n): frozenset(id_ for id_, p in new.items() if one["fact"] in p.text)
            for n, one in enumerate(facts)
        },
    )


def write_note(folder: Path, path: str, text: str, *, stamp: int | None = None) -> None:
    """Write a note; `stamp` is when it says it was modified, in seconds, now where None."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if stamp is not None:
        os.utime(file, (stamp, stamp))


def passages_of(notes: Path) -> list[Passage]:
    """The passages that ragqa makes of a folder of notes."""
    source = open_index(notes, index=notes.with_name("none")).source
    embedder = source.embedders.asking
    limit = source.max_note_bytes
    files = source.walk().files
    reads = [read_note(source.corpus, file.path, max_note_bytes=limit) for file in files]
    return [
        passage
        for read in reads
        if isinstance(read, Note)
        for passage in split_note(
            read,
            chunking=source.chunking,
            window=embedder.info.window,
            count_tokens=embedder.count_tokens,
        )
    ]


def _edited(documents: Sequence[PublicDocument], paths: Sequence[str]) -> dict[str, str]:
    """Half of the facts at the end of notes that are there, half in notes of their own."""
    facts = _facts()
    half = len(facts) // 2
    filled = [(path, one) for path, one in zip(paths, documents, strict=True) if one.text.strip()]
    chosen = filled[:: len(filled) // half]
    changed = {
        path: f"{_note(document)}\n{one['fact']}\n"
        for (path, document), one in zip(chosen, facts[:half], strict=False)
    }
    return changed | {f"new/{n:02}.md": f"{one['fact']}\n" for n, one in enumerate(facts[half:])}


def _note(document: PublicDocument) -> str:
    front = f"---\ntitle: {json.dumps(document.title)}\n---\n\n" if document.title else ""
    return f"{front}{document.text}\n"


def _facts() -> list[dict[str, str]]:
    return [json.loads(line) for line in EDITS.read_text(encoding="utf-8").splitlines()]


def _dump(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
