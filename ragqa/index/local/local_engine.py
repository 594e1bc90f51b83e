"""The engine beside the database: terms in tantivy and, in a large index, lists in FAISS.

Passages and embeddings are read from the database itself.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain

import numpy as np

from ragqa.errors import NeedsRebuild
from ragqa.index.database import Database, Derived
from ragqa.index.disk import REBUILD
from ragqa.index.engine import Engine
from ragqa.index.local.files import checked, kept, link, new_folder, sweep
from ragqa.index.local.terms import TermIndex, TermWriter
from ragqa.index.local.vectors import Lists, faiss, make_lists
from ragqa.index.ranking import ScoredId, top_k
from ragqa.index.rows import model_of
from ragqa.types import DenseInfo, IndexInfo, NoteRecord, Numbers, Passage, Vector, Vectors

REWRITE_BELOW = 2_000  # passages: the terms are written anew each time, in a quarter of a second
MAX_DEAD_SHARE = 0.1  # deleted passages count in BM25; above this share, terms are written anew
EXACT_UP_TO = 25_000  # embeddings: each is compared, and no lists are made
MAX_STALE_SHARE = 0.1  # of embeddings newer than the lists, or gone; then the lists are made anew
LISTS = "lists.faiss"


class LocalEngine(Engine):
    """Finds passages by the terms and lists that were made from a database.

    :param made: the terms and the lists, by these names; empty if they are to be made from nothing.
    """

    def __init__(self, database: Database, made: Mapping[str, Derived]) -> None:
        self.made, self._database, self._root = made, database, database.root
        self._passages = database.info.passages if database.info else 0
        self._has_new = False

    def open(self) -> None:
        """Open the terms and the lists; raises `NeedsRebuild` if they are missing or damaged."""
        terms = checked(self._root, self.made.get("terms"), "terms")
        self._terms = TermIndex(self._root / terms.name, list(terms.files))
        self._lists = self._open_lists()

    def _open_lists(self) -> Lists | None:
        if (made := self.made.get("lists")) is None:
            return None
        checked(self._root, made, "lists")
        # In a large index, reading through a map of the database takes a third of the time.
        self._database.db.execute("PRAGMA mmap_size = 2000000000")
        return Lists(self._root / made.name / LISTS, upto=made.upto)

    def best(self, terms: Sequence[str], k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        return self._terms.best(terms, k, allowed)

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        return self._terms.counts(terms)

    def terms_with_prefix(self, prefix: str) -> list[str]:
        return self._terms.terms_with_prefix(prefix)

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        by_id = {passage.id: passage for _, passage in self._database.passages("id", ids)}
        for missing in set(ids) - by_id.keys():
            what = f"the index file {self._database.path} has no passage {missing}"
            raise NeedsRebuild(what, hint=REBUILD)
        return [by_id[passage_id] for passage_id in ids]

    def passages_of(self, notes: Sequence[int]) -> list[Passage]:
        return [passage for _, passage in self._database.passages("note", notes)]

    def vectors(self, keys: Sequence[int]) -> dict[int, Vector]:
        return self._database.embeddings(model_of(self._database.read()), keys)

    def nearest(self, vector: Vector, k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        among, total = None, self._passages
        if allowed is not None:
            rows, notes = self._owners
            among = rows[np.isin(notes, allowed)]
            total = len(among)
        passing = set(allowed or ())

        def best(limit: int) -> list[ScoredId]:
            reach = limit
            while True:
                scored, is_all = self._nearest_rows(vector, reach, among)
                query = "SELECT embedding, note, id FROM passages WHERE embedding IN"
                with self._database.naming():
                    found = [tuple(row) for row in self._database.fetch(query, list(scored))]
                hits = [
                    (id_, scored[row])
                    for row, note, id_ in found
                    if allowed is None or note in passing
                ]
                if len(hits) >= limit or is_all:
                    return sorted(hits, key=lambda hit: -hit[1])[:limit]
                reach *= 4

        return top_k(best, k, total)

    @cached_property
    def _owners(self) -> Numbers:
        """The row of the embedding and the number of the note of each passage, int64, by row."""
        query = "SELECT embedding, note FROM passages ORDER BY embedding"
        with self._database.naming():
            rows = chain.from_iterable(self._database.db.execute(query))
            return np.fromiter(rows, np.int64).reshape(-1, 2).T

    @cached_property
    def _flat(self) -> tuple[Numbers, Vectors]:
        """The rows and embeddings that are in no list: all, or those that are newer."""
        rows, matrix = self._database.matrix(self._lists.upto if self._lists else 0)
        return np.array(rows, np.int64), matrix

    def _nearest_rows(
        self, vector: Vector, limit: int, among: Numbers | None
    ) -> tuple[dict[int, float], bool]:
        """The nearest embeddings by row, with their cosines, and whether there are no others."""
        rows, matrix = self._flat
        if among is not None:
            mask = np.isin(rows, among)
            rows, matrix = rows[mask], matrix[mask]
        is_all = len(rows) <= limit
        with self._database.naming():
            cosines = matrix @ vector if len(rows) else np.empty(0, np.float32)
        if not is_all:
            best = np.argpartition(-cosines, limit - 1)[:limit]
            rows, cosines = rows[best], cosines[best]
        scored = dict(zip(rows.tolist(), cosines.tolist(), strict=True))
        if self._lists is not None:
            listed = self._lists.search(vector, limit, among)
            is_all = is_all and len(listed) < limit
            present, exact = self._database.vectors(listed)
            with self._database.naming():
                scored |= zip(present, (exact @ vector).tolist() if present else [], strict=True)
        return scored, is_all

    def add(self, note: int, _: NoteRecord, passages: Sequence[Passage], *__: object) -> None:
        """Add the terms of a note's passages, in the same pass as the rows."""
        self._has_new = True
        if self._terms_writer:
            self._terms_writer.add(note, passages)

    def commit(self, info: IndexInfo, gone: Sequence[int]) -> tuple[IndexInfo, dict[str, Derived]]:
        """Make the terms, and the lists where they are too old."""
        made = {"terms": self._made_terms(info.passages, gone)}
        if lists := self._made_lists(info):
            made["lists"] = lists
        self.made = made
        return replace(info, dense=lists.dense if lists else DenseInfo()), made

    def tidy(self) -> None:
        """Remove the folders that were made before."""
        sweep(self._root, [made.name for made in self.made.values()])

    @cached_property
    def _terms_writer(self) -> TermWriter | None:
        """Adds to the terms that are there, whose files stay; None where all are written anew."""
        folder = None
        if not self.made:
            folder = new_folder(self._root, "terms")
        elif self._passages > REWRITE_BELOW:
            with suppress(NeedsRebuild):
                old = checked(self._root, self.made.get("terms"), "terms")
                folder = new_folder(self._root, "terms")
                for name in old.files:
                    link(self._root / old.name / name, folder / name)
        return TermWriter(folder) if folder else None

    def _made_terms(self, passages: int, gone: Sequence[int]) -> Derived:
        """Write the terms; if neither notes nor terms have changed, the old ones stay."""
        if not (gone or self._has_new):
            with suppress(NeedsRebuild):
                return checked(self._root, self.made.get("terms"), "terms")
        elif writer := self._terms_writer:
            documents = writer.added + (self.made["terms"].documents if self.made else 0)
            dead = documents - passages
            if not self.made or (passages > REWRITE_BELOW and dead <= MAX_DEAD_SHARE * passages):
                writer.commit(gone)
                return Derived(writer.folder.name, kept(writer.folder), documents)
        writer = TermWriter(new_folder(self._root, "terms"))
        for note, passage in self._database.passages():
            writer.add(note, [passage])
        writer.commit()
        return Derived(writer.folder.name, kept(writer.folder), writer.added)

    def _made_lists(self, info: IndexInfo) -> Derived | None:
        live, model = info.passages, model_of(info)
        if live > EXACT_UP_TO:
            live = self._database.number("count(*) FROM embeddings WHERE model = ?", model)
        if live <= EXACT_UP_TO:
            return None
        with suppress(NeedsRebuild):
            if lists := self._open_lists():
                query = "count(*) FROM embeddings WHERE row > ? AND model = ?"
                new = self._database.number(query, lists.upto, model)
                gone = len(lists) - (live - new)
                if new + gone <= MAX_STALE_SHARE * live:
                    return self.made["lists"]
        rows, matrix = self._database.matrix()
        lists, dense = make_lists(rows, matrix)
        folder = new_folder(self._root, "vectors")
        with (folder / LISTS).open("wb") as file:  # FAISS itself loses data when the disk is full
            faiss().write_index(lists, faiss().PyCallbackIOWriter(file.write))
        return Derived(folder.name, kept(folder), upto=rows[-1], dense=dense)
