"""How long an update would take, told before anything is extracted or embedded.

The bytes of text that are new are divided by the rate at which this machine embedded last.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragqa.config.files import cache_folder
from ragqa.embedders.cache import read_json, write_json
from ragqa.indexing.source import Source
from ragqa.notes import digest_of, format_of
from ragqa.types import IndexInfo, IndexReport, NoteFile, NoteState, Waiting

LONG_S = 5.0
"""An update that takes longer is not made before a question."""

DEFAULT_RATE = 20_000
"""Bytes of text a second until a build was measured: 36 passages of full length, on two cores."""

_HIGHEST_RATE = 10**12
"""A higher one was not measured."""

_LEAST_MEASURED = 50_000
"""The bytes of text that tell a rate; less is over too soon."""

_MOST_COMPARED = 100_000_000
"""The bytes of files to compare with the index; what is beyond counts as new."""

_BYTES_PER_TOKEN = 4

logger = logging.getLogger("ragqa")


def ahead(source: Source, files: Sequence[NoteFile], known: Mapping[str, NoteState]) -> Waiting:
    """What an update would read, and about how long that would take.

    A note that was moved, or only touched, keeps its embeddings; one that was edited is embedded
    anew where it was, so it counts by what it has grown, and a passage.

    :param files: those that may differ from the index.
    :param known: the state of each note in the index, by path.
    """
    rate = _rate(source.embedders.spec)
    told = _told(source, files, known, rate)
    if told.seconds <= LONG_S or not known:
        return told
    digests, room = {state.sha256 for state in known.values()}, _MOST_COMPARED
    differing = []
    for file in files:
        room -= file.stamp.size
        limit = source.max_note_bytes
        if room < 0 or digest_of(source.corpus, file.path, max_note_bytes=limit) not in digests:
            differing.append(file)
    return _told(source, differing, known, rate)


def left_as_it_is(info: IndexInfo, waiting: Waiting) -> IndexReport:
    """The report of an update that was not made."""
    return IndexReport(
        info=info,
        added=0,
        changed=0,
        removed=0,
        unchanged=info.notes,
        skipped=info.skipped,
        newly_skipped=(),
        seconds=0.0,
        waiting=waiting,
    )


def keep_rate(spec: str, text_bytes: int, seconds: float) -> None:
    """Keep the rate at which this machine embedded text, if it was enough to tell."""
    if text_bytes < _LEAST_MEASURED or seconds <= 0:
        return
    kept = read_json(_file())
    rates = kept if isinstance(kept, dict) else {}
    try:
        write_json(_file(), rates | {spec: round(text_bytes / seconds)})
    except OSError as exc:
        logger.debug("cannot keep the rate of embedding in %s: %s", _file(), exc)


def _rate(spec: str) -> float:
    kept = read_json(_file())
    rate = kept.get(spec) if isinstance(kept, dict) else None
    if isinstance(rate, int | float) and 1 <= rate <= _HIGHEST_RATE:
        return float(rate)
    return DEFAULT_RATE


def _file() -> Path:
    return cache_folder() / "rates.json"


def _told(
    source: Source, files: Sequence[NoteFile], known: Mapping[str, NoteState], rate: float
) -> Waiting:
    edit = source.chunking.target_tokens * _BYTES_PER_TOKEN
    text = 0.0
    for file in files:
        before = known.get(file.path)
        grown = file.stamp.size - before.stamp.size if before else file.stamp.size
        text += max(grown, 0) * format_of(file.path).text_share + (edit if before else 0)
    return Waiting(len(files), text / rate)
