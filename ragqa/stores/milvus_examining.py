"""Find damage in an index in Milvus, and report on its server."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import numpy as np

from ragqa.errors import IndexNotReadable, IndexUnusable, OtherFormat
from ragqa.stores import Rebuilder
from ragqa.stores.failures import REBUILD
from ragqa.stores.faults import Remark, Repair
from ragqa.stores.milvus_client import Client, Row
from ragqa.stores.milvus_lease import claims
from ragqa.stores.milvus_records import OLDEST, Generation, Names, read_record, rows_of_records
from ragqa.stores.milvus_rows import encoded_terms, note_key, passage_row, read_note, read_passage
from ragqa.stores.milvus_schema import DENSE, EXACT_UP_TO, has_records, missing_fields
from ragqa.stores.milvus_snapshot import MilvusSnapshot
from ragqa.stores.milvus_versions import NEEDED, is_new_enough
from ragqa.stores.vectors import UNIT_TOLERANCE
from ragqa.types import NoteRecord, Progress, Vector, counted, no_progress

MAX_PROBLEMS = 20


def remarks_on(client: Client, names: Names) -> list[Remark]:
    """Remarks on version, schema, generations and lease.

    :raises IndexUnusable: the server does not answer.
    """
    found = [_on_version(client)]
    if not has_records(client, names.records):
        return [
            *found,
            Remark(f"there is no index {names.name} at {client.uri} yet", "ragqa index"),
        ]
    return [*found, *_on_generations(client, names), *_on_lease(client, names)]


def problems_of(
    client: Client,
    names: Names,
    generation: Generation,
    deep: bool,  # noqa: FBT001 - as in the method
    progress: Progress | None,
) -> list[str]:
    """The problems of a generation, each in a sentence, `MAX_PROBLEMS` at most.

    :param deep: read every row.
    """
    existing = set(client.collections())
    needed = (names.passages(generation.base), names.notes(generation.base))
    gone = [
        f"the collection {each} at {client.uri} is gone" for each in needed if each not in existing
    ]
    if gone:
        return gone
    for collection, passages in zip(needed, (True, False), strict=True):
        if missing := missing_fields(client, collection, passages=passages):
            fields = ", ".join(missing)
            return [f"the collection {collection} at {client.uri} has no fields {fields}"]
    snapshot = MilvusSnapshot(client, names, generation)
    wrong = list(_wrong_counts(client, names, generation))
    if deep and not wrong:
        wrong = list(_wrong_rows(client, names, snapshot, progress or no_progress))
    return wrong[:MAX_PROBLEMS]


def repair_of(
    client: Client,
    names: Names,
    newest: Callable[[], Generation],
    rebuilder: Rebuilder,
    progress: Progress,
) -> Repair:
    """Find damage; any requires a rebuild from the notes.

    :raises NoIndex: there is nothing to repair.
    :raises IndexUnusable: the server fails, or `rebuilder` does not match the index.
    """
    try:
        generation = newest()
    except (IndexNotReadable, OtherFormat):
        raise
    except IndexUnusable as exc:
        return Repair(rebuild=f"read and embedded all notes again, since {exc.message}")
    rebuilder.check(generation.info)
    wrong = problems_of(client, names, generation, deep=True, progress=progress)
    if not wrong:
        with closing(MilvusSnapshot(client, names, generation)) as snapshot:
            wrong = [fault.what for fault in rebuilder.faults(snapshot)]
    if not wrong:
        return Repair()
    return Repair(rebuild=f"read and embedded all notes again, since {wrong[0]}")


def _on_version(client: Client) -> Remark:
    what = f"{client.uri} is served by Milvus {client.version:.40}"
    if is_new_enough(client.version):
        return Remark(what)
    return Remark(what, f"upgrade it to {'.'.join(map(str, NEEDED))} or newer")


def _on_generations(client: Client, names: Names) -> Iterator[Remark]:
    rows = rows_of_records(client, names)
    if not rows:
        yield Remark(f"no generation of {names.name} was ever finished", "ragqa index")
        return
    newest = read_record(rows[-1], f"{names.name} at {client.uri}")
    wrong = problems_of(client, names, newest, deep=False, progress=None)
    yield from (Remark(what, REBUILD) for what in wrong)
    if not wrong:
        info = newest.info
        yield Remark(
            f"the collections of {names.name} have all their fields, and generation "
            f"{info.generation} is complete: "
            f"{counted(info.passages, 'passage')} of {counted(info.notes, 'note')}"
        )
        if info.dense.kind == "exact" and info.passages > EXACT_UP_TO:
            yield Remark(
                f"{info.passages} passages are compared one by one, since the index was built with "
                "few; a graph is faster",
                REBUILD,
            )
    unknown = names.bases(client.collections()) - {_base_of(row) for row in rows}
    if unknown:
        yield Remark(
            f"interrupted builds have left {counted(len(unknown), 'collection')}",
            "ragqa index",
        )


def _base_of(row: Row) -> int:
    try:
        return read_record(row, "", oldest=OLDEST).base
    except IndexUnusable:
        return 0


def _on_lease(client: Client, names: Names) -> Iterator[Remark]:
    for claim in claims(client, names):
        left = round(claim.expires - time.time())
        if claim.has_ended:
            yield Remark(f"{claim.owner:.80} ended without releasing its lease", "ragqa index")
        else:
            yield Remark(f"{claim.owner:.80} is writing; its lease ends in {left} s if not renewed")


def _wrong_counts(client: Client, names: Names, generation: Generation) -> Iterator[str]:
    info = generation.info
    for collection, expected, what in (
        (names.passages(generation.base), info.passages, "passages"),
        (names.notes(generation.base), info.notes, "notes"),
    ):
        existing = client.count(collection, generation.visible)
        if existing != expected:
            yield (
                f"{collection} at {client.uri} has {existing} {what} of generation "
                f"{info.generation}, which had {expected}"
            )


def _wrong_rows(
    client: Client, names: Names, snapshot: MilvusSnapshot, progress: Progress
) -> Iterator[str]:
    """Read every row and describe the inconsistencies."""
    generation = snapshot.generation
    notes: dict[int, NoteRecord] = {}
    for row in client.each(names.notes(generation.base), generation.visible, ("note", "data")):
        note = read_note(row["data"])
        if note_key(note.path) != row["note"]:
            yield f"the row of the note {note.path} has another note's number"
        notes[int(row["note"])] = note
    fields = (
        "passage",
        "note",
        "embedding_key",
        "length",
        "day",
        "tags",
        "places",
        "terms",
        "data",
    )
    ids: Counter[int] = Counter()
    terms = 0
    for done, row in enumerate(
        client.each(names.passages(generation.base), generation.visible, (*fields, DENSE)), start=1
    ):
        if done % 1_000 == 0:
            progress("verifying", done, generation.info.passages)
        ids[int(row["passage"])] += 1
        terms += int(row["length"])
        yield from _wrong_row(row, notes, fields, snapshot.vector_of(row))
    if any(times > 1 for times in ids.values()):
        yield f"two passages of {names.name} have the same id"
    if terms != generation.terms:
        yield f"the passages of {names.name} have {terms} terms, not {generation.terms}"


def _wrong_row(
    row: Row, notes: Mapping[int, NoteRecord], fields: Sequence[str], vector: Vector
) -> Iterator[str]:
    passage = read_passage(row["data"])
    where = f"the passage at {passage.path}, lines {passage.lines[0]} to {passage.lines[1]},"
    note = notes.get(note_key(passage.path))
    if note is None:
        yield f"{where} belongs to a missing note"
        return
    if not abs(float(np.linalg.norm(vector.astype(np.float64))) - 1.0) <= UNIT_TOLERANCE:
        yield f"{where} has an embedding that is not of unit length"
    expected = passage_row(passage, vector, encoded_terms(passage), note.tags, 0)
    differing = [name for name in fields if _plain(row[name]) != _plain(expected[name])]
    if differing:
        yield f"{where} has a row whose {' and '.join(differing)} does not match its text"


def _plain(value: object) -> object:
    return value if isinstance(value, str | int) else list(value)  # type: ignore[call-overload]
