"""The terms of an index: a tantivy index over passages, scored by BM25.

Each passage is a document with its id, its note's number and its terms.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tantivy import (
    Document,
    Index,
    IndexWriter,
    Occur,
    Query,
    SchemaBuilder,
    TextAnalyzerBuilder,
    Tokenizer,
)

from ragqa.index.disk import naming_file, unusable
from ragqa.index.ranking import ScoredId, top_k
from ragqa.text.dates import passage_terms
from ragqa.types import Passage

_TOKENIZER = "ragqa"
MAX_LISTED = 10_000  # terms, so that listing them is cheap in any index
_WRITER_BYTES = 64 * 2**20


class TermIndex:
    """The terms in a folder that has these files, read-only."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        with _naming(folder), ExitStack() as stack:
            if not os.access(folder, os.W_OK):  # tantivy locks a file even to read
                copy = tempfile.TemporaryDirectory(prefix="ragqa-", ignore_cleanup_errors=True)
                place = Path(stack.enter_context(copy))
                for name in names:
                    shutil.copyfile(folder / name, place / name)
                folder = place
            index = Index.open(str(folder))
            index.config_reader("manual")
            self._schema = index.schema
            self._searcher = index.searcher()  # has all files mapped

    def best(self, terms: Sequence[str], k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        """As `Engine.best`."""
        if not terms:
            return []
        with _naming(self._folder):
            query = self._any_of(terms)
            if allowed is not None:
                notes = Query.term_set_query(self._schema, "note", allowed)
                unscored = Query.const_score_query(notes, 0.0)
                query = Query.boolean_query([(Occur.Must, query), (Occur.Must, unscored)])
            return top_k(partial(self._top, query), k, self._searcher.num_docs)

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        """How many live passages have each term."""
        with _naming(self._folder):
            return {term: self._count(self._any_of([term])) for term in dict.fromkeys(terms)}

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """As `Engine.terms_with_prefix`; deleted passages count until terms are written anew."""
        with _naming(self._folder):
            counted = self._searcher.terms_with_prefix("body", prefix, limit=MAX_LISTED)
            return [term for term, _ in counted]

    def _any_of(self, terms: Iterable[str]) -> Query:
        # Never parse_query: user input is not query syntax.
        alternatives = []
        for term, count in Counter(terms).items():
            query = Query.term_query(self._schema, "body", term, "freq")
            weighted = query if count == 1 else Query.boost_query(query, float(count))
            alternatives.append((Occur.Should, weighted))
        return Query.boolean_query(alternatives)

    def _top(self, query: Query, limit: int) -> list[ScoredId]:
        hits = self._searcher.search(query, limit, count=False).hits
        ids = self._searcher.fast_field_values("id", [address for _, address in hits])
        return [(int(id_ or 0), score) for id_, (score, _) in zip(ids, hits, strict=True)]

    def _count(self, query: Query) -> int:
        result = self._searcher.search(query, 1, count=True)
        return int(result.count)  # type: ignore[attr-defined]  # missing from tantivy's stub


class TermWriter:
    """Makes a terms index in an empty folder, or changes the one that is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.added = folder, 0
        with _naming(folder):
            builder = SchemaBuilder()
            builder.add_integer_field("id", fast=True)
            builder.add_integer_field("note", indexed=True)
            builder.add_text_field("body", tokenizer_name=_TOKENIZER, index_option="freq")
            index = Index(builder.build(), path=str(folder))
            index.config_reader("manual")
            blanks = TextAnalyzerBuilder(Tokenizer.whitespace()).build()
            index.register_tokenizer(_TOKENIZER, blanks)
            # One thread, so that the same notes always yield the same segments.
            self._writer = index.writer(_WRITER_BYTES, 1)

    def add(self, note: int, passages: Iterable[Passage]) -> None:
        """Add passages of the note with a number."""
        with self._writing() as writer:
            for passage in passages:
                document = Document()
                document.add_integer("id", passage.id)
                document.add_integer("note", note)
                document.add_text("body", " ".join(passage_terms(passage)))
                writer.add_document(document)
                self.added += 1

    def commit(self, gone: Iterable[int] = ()) -> None:
        """Write what was added, without the notes with these numbers; nothing can follow."""
        with self._writing() as writer:
            for note in gone:
                writer.delete_documents_by_term("note", note)
            writer.commit()
            # Merging continues after a commit; digests must be taken when it is done.
            writer.wait_merging_threads()
        del self._writer

    @contextmanager
    def _writing(self) -> Iterator[IndexWriter]:
        try:
            with _naming(self.folder):
                yield self._writer
        except BaseException:
            # Otherwise an error's traceback keeps the writer's threads working in the folder.
            del self._writer
            raise


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    try:
        with naming_file(folder, ValueError, RuntimeError):
            yield
    except BaseException as exc:
        # A panic in tantivy is a BaseException of a class that is not exported.
        if type(exc).__name__ == "PanicException":
            raise unusable(folder, exc) from exc
        raise
