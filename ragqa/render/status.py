"""What is indexed and how fresh it is, for the terminal and as a JSON document."""

import os
from collections.abc import Iterator, Mapping, Sequence

from ragqa.config import Places
from ragqa.diagnosis import Choice, NotesIn, Status
from ragqa.languages import ENGLISH
from ragqa.notes.formats import how_to_read, switched_off
from ragqa.render.documents import Document, fields_of, index_document, skipped_document
from ragqa.render.overviews import llm_document, llm_line, print_row
from ragqa.render.results import print_skipped
from ragqa.types import DenseInfo, counted

_COMMON = 4


def print_status(status: Status, places: Places, llm: Choice) -> None:
    """Print what is indexed and whether it is up to date."""
    info = status.info
    fresh = "yes" if status.is_fresh else f"no: {status.pending} (ragqa index catches up)"
    rows = [
        ("notes", f"{info.notes} in {places.corpus}"),
        *((f"  {one.name}", one.context) for one in places.corpus.folders if one.context),
        *_languages(status.languages),
        ("index", f"{counted(info.passages, 'passage')} {_kept(status)}"),
        ("generation", f"{info.generation}, made {info.created}"),
        ("embedder", f"{info.embedder.name}, {info.embedder.dimension} dimensions"),
        ("nearest", _nearest(info.dense)),
        ("fresh", fresh),
        ("LLM", llm_line(llm)),
    ]
    if status.building:
        rows.append(("building", f"another process is writing the index {status.building}"))
    off = switched_off(status.others)
    if others := {suffix: n for suffix, n in status.others.items() if suffix not in off}:
        rows.append(("not notes", _counts(others)))
    for name, value in rows:
        print_row(name, value)
    skipped = [one for one in status.skipped if not one.is_left_out]
    print_row("skipped", str(len(skipped)))
    print_skipped(skipped)
    left_out = [one for one in status.skipped if one.is_left_out]
    if off:
        how = how_to_read(off, status.formats, places.corpus)
        print_row("left out", f"{_counts(off)}; to read them: {how}")
    if left_out:
        print_row("left out", f"{len(left_out)}, as your vault's settings say")
        print_skipped(left_out)


def _nearest(dense: DenseInfo) -> str:
    """How the nearest passages are found, and with which recall."""
    if dense.kind == "exact":
        return "found by comparing every embedding"
    if dense.kind == "hnsw":
        return "found with a neighbour graph (HNSW); recall is not measured"
    return (
        f"found in {dense.probes} of {dense.lists} lists, "
        f"recall@10 {dense.recall:.1%} (measured when the index was written)"
    )


def _languages(languages: Sequence[NotesIn]) -> Iterator[tuple[str, str]]:
    """The languages, unless all notes are in English, and those that the embedder hardly reads."""
    if any(one.language != ENGLISH for one in languages):
        yield "languages", ", ".join(f"{one.notes} in {one.name}" for one in languages)
    unread = [one.name for one in languages if not one.readable]
    partly = [one.name for one in languages if 0 < one.readable < 1]
    if unread:
        names = ", ".join(unread)
        yield "", f"the embedder cannot read {names}: such notes are found by their words alone"
    if partly:
        names = ", ".join(partly)
        yield "", f"the embedder reads {names} in part: such notes are ranked mostly by their words"
    if unread or partly:
        yield "", "for models that read more, see docs/languages.md"


def _kept(status: Status) -> str:
    """Where the index is, with its size if it is on this machine's disk."""
    where = status.kept.where
    return (
        f"at {where}" if status.kept.is_on_server else f"in {where} ({status.bytes / 1e6:.1f} MB)"
    )


def status_document(status: Status, places: Places, llm: Choice) -> Document:
    """What `ragqa status --json` prints."""
    dense = status.info.dense
    return {
        "corpus": os.pathsep.join(map(str, places.corpus.folders)),
        "folders": [
            {"path": str(one), "name": one.name, "context": one.context or None}
            for one in places.corpus.folders
        ],
        "index_path": str(places.index),
        "fresh": status.is_fresh,
        "pending": fields_of(status, "added", "changed", "removed"),
        "building": status.building and fields_of(status.building, "since", "embedded"),
        **skipped_document(status.skipped),
        "switched_off": switched_off(status.others),
        "other_files": dict(status.others),
        "bytes": status.bytes,
        "store": {
            "kind": status.kept.kind,
            "uri": status.kept.uri or None,
            "name": status.kept.name or None,
            "sent_to": status.kept.host or None,
        },
        "created": status.info.created,
        "languages": [
            {"language": one.language or None, **fields_of(one, "name", "notes", "readable")}
            for one in status.languages
        ],
        "dense": {
            **fields_of(dense, "kind", "lists", "probes"),
            "recall@10": None if dense.kind == "hnsw" else dense.recall,
        },
        "llm": llm_document(llm),
        "index": index_document(status.info),
    }


def _counts(by_suffix: Mapping[str, int]) -> str:
    common = sorted(by_suffix.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(
        f"{count} {suffix or 'without a suffix'}" for suffix, count in common[:_COMMON]
    )
    rest = sum(count for _, count in common[_COMMON:])
    return f"{listed}, {counted(rest, 'other')}" if rest else listed
