"""The status of an index, its problems, the LLM that is set and the hosts that are allowed."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ragqa.api import Index
from ragqa.config import Loaded, Origin, Places
from ragqa.config.urls import remote_host
from ragqa.errors import NoIndex, RagqaError, UsageError
from ragqa.index import StorePlace
from ragqa.languages import LANGUAGES
from ragqa.llms import NO_LLM, Destination, llm_for
from ragqa.notes.formats import switched_off
from ragqa.rerankers import reranker_for
from ragqa.search.question import share_read
from ragqa.types import Building, Compared, JsonShape, Remark
from ragqa.user_data.consent import consents, is_allowed

_ORIGINS: dict[str, str] = {
    Origin.FLAG: "the command",
    Origin.ENVIRONMENT: "RAGQA_LLM in the environment",
    Origin.USER: "your own settings",
}


class Problem(Struct, frozen=True):
    """Something that is wrong, and the command that mends it, or ""."""

    JSON = JsonShape("what fix")

    what: str
    fix: str = ""


class NotesIn(Struct, frozen=True):
    """The notes in one language; `readable` is how far the embedder can read it, 0 to 1.

    `language` is its code, None for an unknown one, and `name` its name in English.
    """

    language: str | None
    name: str
    notes: int
    readable: float


class IndexStatus(Compared, frozen=True, kw_only=True):
    """The contents of an index, and the changes on disk since it was built.

    `other_files` counts the files that cannot be read, by suffix, `switched_off` those of formats
    that could be; `bytes` is the index's size on this machine's disk; `formats` are those switched
    on; `languages` are those of the notes, most first; `allowed` are hosts. `embedded` counts the
    passages that have an embedding.
    """

    JSON = JsonShape(
        "corpus=corpus_path folders=places.corpus.folders index_path=places.index fresh=is_fresh "
        "pending=pending_counts building skipped=unread left_out switched_off other_files bytes "
        "store=kept created=info.created embedded languages problems warnings=warning_lines llm "
        "allowed index=info"
    )

    places: Places
    llm: "LlmChoice"
    switched_off: Mapping[str, int]
    other_files: Mapping[str, int]
    bytes: int
    kept: StorePlace
    building: Building | None
    formats: tuple[str, ...]
    languages: tuple[NotesIn, ...]
    problems: tuple[Problem, ...]
    allowed: tuple[str, ...]

    @property
    def corpus_path(self) -> str:
        """The folders of notes, as the environment names several."""
        return os.pathsep.join(map(str, self.places.corpus.folders))

    @property
    def embedded(self) -> int:
        """How many passages have an embedding."""
        return self.info.passages - self.info.not_embedded

    @property
    def pending_counts(self) -> dict[str, int]:
        """How many notes are not in the index yet, by what became of them."""
        return {"added": self.added, "changed": self.changed, "removed": self.removed}

    @property
    def is_fresh(self) -> bool:
        """Whether the index is up to date with the notes."""
        return not any(self.pending_counts.values()) and not self.info.not_embedded


def status_of(index: Index, llm: "LlmChoice") -> IndexStatus:
    """Compare the index with the notes on disk, without writing; raises NoIndex without one."""
    building = index.building()
    try:
        info = index.info()
    except NoIndex as exc:
        if building is None:
            raise
        message = f"{exc.message}; another process is building it, {building}"
        raise NoIndex(message, hint="ragqa index --wait") from exc
    changes = index.pending()
    notes = index.notes(refresh=False).notes
    counts = Counter(note.language for note in notes)
    others = changes.walk.others
    off = switched_off(others)
    allowed: tuple[str, ...] = ()
    with suppress(UsageError):  # that is one of the problems
        allowed = consents()
    shares = {language: share_read(pieces) for language, pieces in info.languages.items()}
    return IndexStatus(
        places=index.places,
        llm=llm,
        info=info,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        skipped=changes.skipped,
        switched_off=off,
        other_files={suffix: count for suffix, count in others.items() if suffix not in off},
        bytes=_size(index.kept),
        kept=index.kept,
        building=building,
        formats=index.settings.formats,
        languages=tuple(
            NotesIn(code or None, LANGUAGES[code].name, number, shares.get(code, 1.0))
            for code, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        problems=tuple(dict.fromkeys(_problems(index, llm))),
        warnings=tuple(Remark(note.path, said) for note in notes for said in note.warnings),
        allowed=allowed,
    )


def _size(kept: StorePlace) -> int:
    paths = [*kept.folder.rglob("*")]
    if kept.uri and not kept.is_on_server:
        paths += [Path(kept.uri), *Path(kept.uri).rglob("*")]
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):  # a writer may have removed it since
            size += path.lstat().st_size
    return size


def _problems(index: Index, llm: "LlmChoice") -> Iterator[Problem]:
    """What is wrong with the embedder, the reranker, the list of allowed hosts and the LLM."""
    for check in (
        lambda: index.snapshot().check(),
        partial(reranker_for, index.settings.reranker),
        consents,
    ):
        try:
            check()
        except RagqaError as exc:
            yield Problem(exc.message, exc.hint)
    if llm.problem:
        yield llm.problem


class LlmChoice(Struct, frozen=True):
    """The LLM that is set, where it would send data, and whether that is allowed.

    `spec` is `KIND:MODEL`, or "" for none, and `origin` the source of the setting, in words.
    `allowed` is None where no LLM is set. `problem` is why it cannot be used. `index_host` is the
    host that the index is sent to, or "".
    """

    JSON = JsonShape(
        "llm=spec origin local=destination.is_local host=destination.host allowed "
        "problem=problem.what fix=problem.fix",
        null="llm origin host fix",
    )

    spec: str = ""
    origin: str = ""
    destination: Destination | None = None
    allowed: bool | None = None
    problem: Problem | None = None
    index_host: str = ""


def choice_of(loaded: Loaded) -> LlmChoice:
    """The backend that these settings select."""
    settings = loaded.settings
    choice = LlmChoice(index_host=remote_host(settings.store))
    if settings.llm in ("", NO_LLM):
        return choice
    origin = _ORIGINS.get(loaded.origins["llm"], loaded.origins["llm"])
    choice = replace(choice, spec=settings.llm, origin=origin)
    try:
        destination = llm_for(settings.llm, settings.llm_url).destination
        allowed = destination.is_local or is_allowed(destination.host)
    except RagqaError as exc:
        return replace(choice, allowed=False, problem=Problem(exc.message, exc.hint))
    return replace(choice, destination=destination, allowed=allowed)
