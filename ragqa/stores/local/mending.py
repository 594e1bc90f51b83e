"""Find what is damaged in an index, and make it anew from what is sound.

Terms and lists are made from the database, embeddings from its passages. Only where notes or
passages are damaged must the notes be read again, and then sound embeddings are kept.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable, NoIndex, OtherFormat
from ragqa.safe import private_folder
from ragqa.stores import Fault, IndexPart, Rebuilder, Repair
from ragqa.stores.decoding import MALFORMED, check_vectors
from ragqa.stores.disk import explaining_failure, locked, report_embedded
from ragqa.stores.local import derived
from ragqa.stores.local.database import (
    DATABASE,
    INTO_EMBEDDINGS,
    WHOLE_PASSAGES,
    Database,
    fingerprint,
)
from ragqa.stores.local.rows import NUMBER, read_note, read_passage, read_vector, vector_row
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.types import IndexInfo, Progress

EMBEDDED_AT_ONCE = 512

_COLUMNS = {"notes": "*", "embeddings": "row, key, vector, checksum"}
_LOGS = [f"{DATABASE}-wal", f"{DATABASE}-shm"]


def faults_of(database: Database) -> Iterator[Fault]:
    """Read all of a database, and yield what is damaged in it."""
    file = f"the index file {database.path}"
    try:
        for (found,) in database.db.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                yield Fault(IndexPart.NOTES, f"{file} is damaged: {str(found).splitlines()[0]}")
        yield from _bad_rows(database, "notes", read_note, IndexPart.NOTES)
        yield from _bad_rows(database, "passages", read_passage, IndexPart.NOTES)
        yield from _bad_rows(database, "embeddings", read_vector, IndexPart.EMBEDDINGS)
        info, _ = database.read()
        counts = [database.number(f"count(*) FROM {table}") for table in ("notes", "passages")]
        if counts != [info.notes, info.passages]:
            what = f"has {counts[0]} notes and {counts[1]} passages"
            told = f"instead of {info.notes} and {info.passages}"
            yield Fault(IndexPart.NOTES, f"{file} {what} {told}")
        if bare := database.number(f"count(*) FROM passages WHERE {_bare(info)}"):
            yield Fault(IndexPart.EMBEDDINGS, f"{file} lacks the embeddings of {bare} passages")
    except sqlite3.Error as exc:
        yield Fault(IndexPart.NOTES, f"{file} is damaged: {exc}")
    except NoIndex:
        return
    except (IndexNotReadable, OtherFormat):
        raise
    except IndexUnusable as exc:
        yield Fault(IndexPart.NOTES, exc.message)


def _bare(info: IndexInfo) -> str:
    """The condition of a passage that has no embedding, or one of another dimension."""
    size = NUMBER.itemsize * info.embedder.dimension
    return f"embedding NOT IN (SELECT row FROM embeddings WHERE length(vector) = {size:d})"  # noqa: S608 - a number


def _bad_rows(
    database: Database, table: str, read: Callable[[sqlite3.Row], object], part: IndexPart
) -> Iterator[Fault]:
    query = WHOLE_PASSAGES if table == "passages" else f"SELECT {_COLUMNS[table]} FROM {table}"  # noqa: S608 - our own names
    for row in database.db.execute(query):
        try:
            read(row)
        except MALFORMED as exc:
            yield Fault(part, f"in the index file {database.path}, {exc}")


def file_faults(database: Database, info: IndexInfo) -> Iterator[Fault]:
    """Read the files that are made from a sound database, and yield what is damaged."""
    try:
        derived.open_terms(database, info.passages, thorough=True)
    except derived.Damaged as exc:
        yield Fault(IndexPart.TERMS, str(exc))
    try:
        derived.open_lists(database, info.embedder.dimension, thorough=True)
    except derived.Damaged as exc:
        yield Fault(IndexPart.LISTS, str(exc))


def repair(root: Path, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:
    """Make anew what is damaged; see `Store.repair`."""
    with locked(root, wait=wait), explaining_failure(root):
        report_embedded(root, 0)
        try:
            with explaining_failure(root):  # a full disk is no damage
                database = Database.create(root)
        except (IndexNotReadable, IndexNotWritable, OtherFormat):
            raise
        except IndexUnusable as exc:
            start_over(root)
            return Repair(rebuild=f"read and embedded all notes again, since {exc.message}")
        try:
            return _repair(database, rebuilder, progress)
        finally:
            database.finish()


def _repair(database: Database, rebuilder: Rebuilder, progress: Progress) -> Repair:
    faults = list(faults_of(database))
    if not faults:
        info, _ = database.read()
        rebuilder.check(info)
        with closing(LocalSnapshot(database.root)) as snapshot:
            faults = [*file_faults(database, info), *rebuilder.faults(snapshot)]
    progress("verifying", 1, 1)
    first: dict[IndexPart, str] = {}
    for fault in faults:
        first.setdefault(fault.part, fault.what)
    if IndexPart.NOTES in first:
        keep_embeddings(database)
        return Repair(rebuild=f"read all notes again, since {first[IndexPart.NOTES]}")
    if IndexPart.ALL_EMBEDDINGS in first:
        why = first[IndexPart.ALL_EMBEDDINGS]
        return Repair(rebuild=f"read and embedded all notes again, since {why}", anew=True)
    if IndexPart.EMBEDDINGS in first:
        info, _ = database.read()
        rebuilder.check(info)
        _embed_again(database, info, rebuilder, progress)
    if faults:
        derived.mend(database)
        derived.sweep(database)
    return Repair(tuple(f"rebuilt {part}, since {what}" for part, what in first.items()))


def _embed_again(
    database: Database, info: IndexInfo, rebuilder: Rebuilder, progress: Progress
) -> None:
    """Embed the passages whose embedding is missing or damaged; each batch is kept at once."""
    db = database.db
    with database.writing():
        for row in db.execute(f"SELECT {_COLUMNS['embeddings']} FROM embeddings").fetchall():  # noqa: S608 - our own names
            with suppress(*MALFORMED):
                read_vector(row)
                continue
            db.execute("DELETE FROM embeddings WHERE row = ?", (row["row"],))
        _, build = database.read()
        query = f"SELECT embedding, min(id) FROM passages WHERE {_bare(info)} GROUP BY embedding"  # noqa: S608 - our own names
        bare = dict(map(tuple, db.execute(query).fetchall()))
        places, done = iter(bare.items()), 0
        while some := dict(islice(places, EMBEDDED_AT_ONCE)):
            found = {
                passage.id: passage for _, passage in database.passages("p.id", list(some.values()))
            }
            passages = [found[id_] for id_ in some.values()]
            vectors = rebuilder.embed(passages)
            check_vectors(passages, vectors, info.embedder.dimension)
            db.execute("BEGIN IMMEDIATE")
            for row, passage, vector in zip(some, passages, vectors, strict=True):
                values = (row, *vector_row(build, passage.embedding_key, vector))
                db.execute("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?, ?)", values)
            db.execute("COMMIT")
            done += len(some)
            progress("repairing", done, len(bare))


def keep_embeddings(database: Database) -> None:
    """Replace a damaged database by an empty one that has its sound embeddings saved."""
    root = database.root
    made_by, generation = "", database.generation
    with suppress(sqlite3.Error, IndexUnusable, NoIndex):
        info, build = database.read()
        made_by = fingerprint(info.embedder, info.dtype)
    folder = root / derived.SALVAGE
    derived.discard(folder)
    private_folder(folder)
    new = Database.create(folder)
    new.db.execute("BEGIN")
    new.set_meta("generation", str(generation))
    if made_by:
        new.set_meta("saved by 1", made_by)
        with suppress(sqlite3.Error):  # where the table itself cannot be read any further
            query = f"SELECT {_COLUMNS['embeddings']} FROM embeddings WHERE build = ?"  # noqa: S608 - our own names
            for row in database.db.execute(query, (build,)):
                with suppress(*MALFORMED):
                    values = vector_row(1, row["key"], read_vector(row))
                    new.db.execute(f"INSERT OR IGNORE {INTO_EMBEDDINGS}", values)
    new.db.execute("INSERT INTO saved SELECT row FROM embeddings")
    new.db.execute("COMMIT")
    new.finish()
    database.close()
    for name in _LOGS:
        (root / name).unlink(missing_ok=True)
    (folder / DATABASE).replace(root / DATABASE)
    derived.discard(folder)


def start_over(root: Path) -> None:
    """Remove a database that cannot be used; its writer's lock must be held."""
    for name in (*_LOGS, DATABASE):
        (root / name).unlink(missing_ok=True)
