"""Find damage in an index in Milvus, and report on its server."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from ragqa.stores.disk import REBUILD
from ragqa.stores.milvus.client import Client, Row
from ragqa.stores.milvus.connection import NEEDED, is_new_enough
from ragqa.stores.milvus.lease import claims
from ragqa.stores.milvus.records import (
    Generation,
    read_record,
    readable_records,
    rows_of_records,
)
from ragqa.stores.milvus.rows import (
    encoded_terms,
    note_key,
    passage_row,
    read_note,
    read_passage,
)
from ragqa.stores.milvus.schema import (
    DENSE,
    EXACT_UP_TO,
    NOTE_FIELDS,
    PASSAGE_FIELDS,
    PASSAGE_NUMBERS,
    has_records,
)
from ragqa.stores.milvus.snapshot import MilvusSnapshot
from ragqa.stores.protocol import Remark
from ragqa.stores.vectors import UNIT_TOLERANCE, place_of
from ragqa.types import NoteRecord, Progress, Vector, counted, no_progress

MAX_PROBLEMS = 20

_DERIVED = (
    *(name for name in PASSAGE_NUMBERS if name not in ("born", "died")),
    *("tags", "places", "terms", "data"),
)
"""The fields of a passage's row that derive from the passage and its note."""


def remarks_on(client: Client) -> list[Remark]:
    """Remarks on version, schema, generations and lease.

    :raises IndexUnusable: the server does not answer.
    """
    fix = ""
    if not is_new_enough(client.version):
        fix = f"upgrade it to {'.'.join(map(str, NEEDED))} or newer"
    found = [Remark(f"{client.uri} is served by Milvus {client.version:.40}", fix)]
    if has_records(client):
        return [*found, *_on_generations(client), *_on_lease(client)]
    return [*found, Remark(f"there is no index {client.place} yet", "ragqa index")]


def problems_of(
    client: Client, generation: Generation, *, deep: bool, progress: Progress | None = None
) -> list[str]:
    """The problems of a generation, each in a sentence, `MAX_PROBLEMS` at most.

    :param deep: read every row.
    """
    info, wrong = generation.info, []
    for collection, needed, expected, what in (
        (client.passages(generation.base), PASSAGE_FIELDS, info.passages, "passages"),
        (client.notes(generation.base), NOTE_FIELDS, info.notes, "notes"),
    ):
        place = f"{collection} at {client.uri}"
        if not client.has(collection):
            wrong.append(f"the collection {place} is gone")
        elif missing := sorted(needed - client.fields(collection)):
            wrong.append(f"the collection {place} has no fields {', '.join(missing)}")
        else:
            client.load_if_needed(collection)
            there = client.count(collection, generation.visible)
            if there != expected:
                wrong.append(
                    f"{place} has {there} {what} of generation {info.generation}, "
                    f"which had {expected}"
                )
    if deep and not wrong:
        snapshot = MilvusSnapshot(client, generation)
        wrong = list(_wrong_rows(client, snapshot, progress or no_progress))
    return wrong[:MAX_PROBLEMS]


def _on_generations(client: Client) -> Iterator[Remark]:
    rows = rows_of_records(client)
    if not rows:
        yield Remark(f"no generation of {client.name} was ever finished", "ragqa index")
        return
    newest = read_record(rows[-1], client.place)
    wrong = problems_of(client, newest, deep=False)
    yield from (Remark(what, REBUILD) for what in wrong)
    if not wrong:
        info = newest.info
        yield Remark(
            f"the collections of {client.name} have all their fields, and generation "
            f"{info.generation} is complete: "
            f"{counted(info.passages, 'passage')} of {counted(info.notes, 'note')}"
        )
        if info.dense.kind == "exact" and info.passages > EXACT_UP_TO:
            yield Remark(
                f"{info.passages} passages are compared one by one, since the index was built with "
                "few; a graph is faster",
                REBUILD,
            )
    unknown = client.bases() - {each.base for each in readable_records(client)}
    if unknown:
        yield Remark(
            f"interrupted builds have left {counted(len(unknown), 'collection')}",
            "ragqa index",
        )


def _on_lease(client: Client) -> Iterator[Remark]:
    for claim in claims(client):
        if claim.has_ended:
            yield Remark(f"{claim.owner:.80} ended without releasing its lease", "ragqa index")
        else:
            left = round(claim.expires - time.time())
            yield Remark(f"{claim.owner:.80} is writing; its lease ends in {left} s if not renewed")


def _wrong_rows(client: Client, snapshot: MilvusSnapshot, progress: Progress) -> Iterator[str]:
    """Read every row and describe the inconsistencies."""
    generation = snapshot.generation
    visible = generation.visible
    notes: dict[int, NoteRecord] = {}
    for row in client.each(client.notes(generation.base), visible, ("note", "data")):
        note = read_note(row["data"])
        if note_key(note.path) != row["note"]:
            yield f"the row of the note {note.path} has another note's number"
        notes[row["note"]] = note
    ids: Counter[int] = Counter()
    terms = 0
    rows = client.each(client.passages(generation.base), visible, (*_DERIVED, DENSE))
    for done, row in enumerate(rows, start=1):
        if done % 1_000 == 0:
            progress("verifying", done, generation.info.passages)
        ids[row["passage"]] += 1
        terms += row["length"]
        yield from _wrong_row(row, notes, snapshot.vector_of(row))
    if any(times > 1 for times in ids.values()):
        yield f"two passages of {client.name} have the same id"
    if terms != generation.terms:
        yield f"the passages of {client.name} have {terms} terms, not {generation.terms}"


def _wrong_row(row: Row, notes: Mapping[int, NoteRecord], vector: Vector) -> Iterator[str]:
    passage = read_passage(row["data"])
    where = f"the passage at {place_of(passage)}"
    note = notes.get(note_key(passage.path))
    if note is None:
        yield f"{where} belongs to a missing note"
        return
    if not abs(float(np.linalg.norm(vector.astype(np.float64))) - 1.0) <= UNIT_TOLERANCE:
        yield f"{where} has an embedding that is not of unit length"
    expected = passage_row(passage, vector, encoded_terms(passage), note.tags, 0)
    differing = [name for name in _DERIVED if _plain(row[name]) != _plain(expected[name])]
    if differing:
        yield f"{where} has a row whose {' and '.join(differing)} does not match its text"


def _plain(value: object) -> object:
    return value if isinstance(value, str | int) else list(value)  # type: ignore[call-overload]
