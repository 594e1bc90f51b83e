"""Find what is damaged in an index, and make terms and lists anew from a sound database.

A damaged database is replaced by one that has its sound embeddings saved, as an interrupted build
leaves them; the next build reads the notes again and embeds only what is missing.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable, NoIndex, OtherFormat
from ragqa.safe import private_folder
from ragqa.stores import Check, Repair
from ragqa.stores.decoding import MALFORMED
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
from ragqa.types import IndexInfo, Progress

EMBEDDINGS = "SELECT row, key, vector, checksum FROM embeddings"
_LOGS = [f"{DATABASE}-wal", f"{DATABASE}-shm"]


def faults_of(database: Database) -> Iterator[str]:
    """Read all of a database, and say in a sentence each what is damaged in it."""
    file = f"the index file {database.path}"
    try:
        for (found,) in database.db.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                yield f"{file} is damaged: {str(found).splitlines()[0]}"
        yield from _bad_rows(database, "SELECT * FROM notes", read_note)
        yield from _bad_rows(database, WHOLE_PASSAGES, read_passage)
        yield from _bad_rows(database, EMBEDDINGS, read_vector)
        info, _ = database.read()
        counts = [database.number(f"count(*) FROM {table}") for table in ("notes", "passages")]
        if counts != [info.notes, info.passages]:
            what = f"has {counts[0]} notes and {counts[1]} passages"
            yield f"{file} {what} instead of {info.notes} and {info.passages}"
        size = NUMBER.itemsize * info.embedder.dimension
        bare = f"embedding NOT IN (SELECT row FROM embeddings WHERE length(vector) = {size:d})"  # noqa: S608 - a number
        if without := database.number(f"count(*) FROM passages WHERE {bare}"):
            yield f"{file} lacks the embeddings of {without} passages"
    except sqlite3.Error as exc:
        yield f"{file} is damaged: {exc}"
    except NoIndex:
        return
    except (IndexNotReadable, OtherFormat):
        raise
    except IndexUnusable as exc:
        yield exc.message


def _bad_rows(
    database: Database, query: str, read: Callable[[sqlite3.Row], object]
) -> Iterator[str]:
    for row in database.db.execute(query):
        try:
            read(row)
        except MALFORMED as exc:
            yield f"in the index file {database.path}, {exc}"


def file_faults(database: Database, info: IndexInfo) -> dict[str, str]:
    """Read what is made from a sound database; gives what is damaged, and why."""
    faults = {}
    try:
        derived.open_terms(database, info.passages, thorough=True)
    except derived.Damaged as exc:
        faults["the terms"] = str(exc)
    try:
        derived.open_lists(database, info.embedder.dimension, thorough=True)
    except derived.Damaged as exc:
        faults["the lists of embeddings"] = str(exc)
    return faults


def repair(root: Path, check: Check, *, wait: bool, progress: Progress) -> Repair:
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
            damage = list(faults_of(database))
            progress("verifying", 1, 1)
            info = None
            with suppress(*(sqlite3.Error, IndexUnusable, NoIndex) if damage else ()):
                info, _ = database.read()
            if info:
                check(info)
            if damage or not info:
                keep_embeddings(database)
                return Repair(rebuild=f"read all notes again, since {damage[0]}")
            if faults := file_faults(database, info):
                derived.mend(database)
                derived.sweep(database)
            return Repair(tuple(f"rebuilt {part}, since {why}" for part, why in faults.items()))
        finally:
            database.finish()


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
            for row in database.db.execute(f"{EMBEDDINGS} WHERE build = ?", (build,)):
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
