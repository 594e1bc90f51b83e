"""How fresh an index is and what is wrong with it; which LLM is set and where it would send."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ragqa.api import Index
from ragqa.config import Loaded, Origin, Places
from ragqa.config.addresses import remote_host
from ragqa.errors import BackendFailed, NoIndex, RagqaError, UsageError
from ragqa.languages import LANGUAGES
from ragqa.llms import LLM, LLMS, NO_LLM, SCRIPTED, Destination, Prompt, llm_for
from ragqa.llms.limits import bounded, read_apart
from ragqa.notes.formats import switched_off
from ragqa.readers import reader_for
from ragqa.search.question import share_read
from ragqa.state.consent import is_allowed
from ragqa.stores import SENT, StorePlace
from ragqa.types import Building, Compared, Keys, Progress, counted, no_progress

PROMPT = Prompt(
    instructions=(
        "Answer the question in one sentence, from the numbered passages alone. After the sentence "
        "give the number of the passage that says so, in square brackets."
    ),
    message=(
        "[1] The old stone bridge of Aldmoor was built in 1871.\n"
        "[2] The market of Aldmoor is held on Thursdays.\n\n"
        "Question: When was the bridge of Aldmoor built?"
    ),
)
RIGHT, CITED, OTHER = "1871", "[1]", "[2]"
"""The right reply to the prompt, the passage that it has to cite, and the other one."""
WHAT = "a fixed question with two made-up passages, and nothing of your notes"

_REPAIR = "ragqa doctor --repair"
_LISTING_S = 5
_WHERE = "local=destination.is_local host=destination.host proxy=destination.proxy"
_ORIGINS: dict[str, str] = {
    Origin.FLAG: "the command",
    Origin.ENVIRONMENT: "RAGQA_LLM in the environment",
    Origin.USER: "your own settings",
}


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(Struct, frozen=True):
    """The result of one check, and the command that fixes it, or ""."""

    JSON = Keys("severity what fix")

    severity: Severity
    what: str
    fix: str = ""
    exit_code: int = 0


_ok = partial(Finding, Severity.OK)
_warning = partial(Finding, Severity.WARNING)


class NotesIn(Struct, frozen=True):
    """The notes in one language; `readable` is how far the embedder can read it, 0 to 1.

    `language` is its code, None for an unknown one, and `name` its name in English.
    """

    language: str | None
    name: str
    notes: int
    readable: float


class IndexStatus(Compared, frozen=True, kw_only=True):
    """What is indexed, and what has changed on disk since.

    `others` counts the files that are not notes, by suffix; `bytes` is the index's size on this
    machine's disk; `building` is the progress of another process writing it; `formats` are those
    switched on; `languages` are those of the notes, most first; `warnings` are about notes. `llm`
    is the LLM that is set.
    """

    JSON = Keys(
        "corpus=corpus_path folders=places.corpus.folders index_path=places.index fresh=is_fresh "
        "pending=pending_counts building skipped=unread left_out switched_off other_files bytes "
        "store=kept created=info.created languages llm index=info"
    )

    places: Places
    llm: "Choice"
    others: Mapping[str, int]
    bytes: int
    kept: StorePlace
    building: Building | None
    formats: tuple[str, ...]
    languages: tuple[NotesIn, ...]
    warnings: tuple[str, ...]

    @property
    def corpus_path(self) -> str:
        """The folders of notes, as the environment names several."""
        return os.pathsep.join(map(str, self.places.corpus.folders))

    @property
    def switched_off(self) -> dict[str, int]:
        """Of `others`, those of formats that could be read."""
        return switched_off(self.others)

    @property
    def other_files(self) -> dict[str, int]:
        """Of `others`, those that cannot be read."""
        return {s: n for s, n in self.others.items() if s not in self.switched_off}

    @property
    def pending_counts(self) -> dict[str, int]:
        """How many notes are not in the index yet, by what became of them."""
        return {"added": self.added, "changed": self.changed, "removed": self.removed}

    @property
    def pending(self) -> str:
        """The changes that are not in the index yet, in words."""
        return f"{self.added} new, {self.changed} changed, {self.removed} removed"

    @property
    def is_fresh(self) -> bool:
        """Whether the index is up to date with the notes."""
        return not (self.added or self.changed or self.removed)


def status_of(index: Index, llm: "Choice") -> IndexStatus:
    """Compare the index with the notes on disk, without writing.

    :param llm: the LLM that is set.
    :raises NoIndex: nothing has been built yet.
    """
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
    shares = {language: share_read(pieces) for language, pieces in info.languages.items()}
    return IndexStatus(
        places=index.places,
        llm=llm,
        info=info,
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        skipped=changes.skipped,
        others=changes.walk.others,
        bytes=_size(index.kept),
        kept=index.kept,
        building=building,
        formats=index.settings.formats,
        languages=tuple(
            NotesIn(code or None, LANGUAGES[code].name, number, shares.get(code, 1.0))
            for code, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        warnings=tuple(f"{note.path}: {warning}" for note in notes for warning in note.warnings),
    )


def _size(kept: StorePlace) -> int:
    paths = [*kept.folder.rglob("*")]
    if kept.uri and not kept.is_on_server:
        paths += [Path(kept.uri), *Path(kept.uri).rglob("*")]
    size = 0
    for path in paths:
        with suppress(FileNotFoundError):  # a writer may have removed it since
            size += path.stat(follow_symlinks=False).st_size
    return size


def diagnose(
    index: Index, *, repair: bool = False, progress: Progress = no_progress
) -> tuple[list[Finding], list[str] | None]:
    """Check notes, store, files, embedder and reader in turn.

    :param repair: first rebuild what is damaged.
    :returns: the findings, and what was repaired, each in a sentence; None if nothing was tried or
        it failed.
    """
    done = None
    if repair:
        try:
            done = list(index.repair(progress=progress))
        except RagqaError as exc:
            return [_failure(exc)], None
    findings: dict[str, Finding] = {}  # an unreadable index fails every check in the same words
    for check in (_notes, _store, _files, _models):
        try:
            for finding in check(index):
                findings.setdefault(finding.what, finding)
        except RagqaError as exc:
            findings.setdefault(exc.message, _failure(exc))
    return list(findings.values()), done


def _failure(exc: RagqaError) -> Finding:
    if isinstance(exc, NoIndex):
        return _warning(exc.message, exc.hint or "ragqa index", exc.exit_code)
    return Finding(Severity.ERROR, exc.message, exc.hint, exc.exit_code)


def _notes(index: Index) -> Iterator[Finding]:
    status = status_of(index, Choice())
    for skip in status.skipped:
        finding = _ok if skip.is_left_out else _warning
        yield finding(f"{skip.path} is not indexed: {skip.reason}")
    yield from map(_warning, status.warnings)
    if status.is_fresh:
        yield _ok(f"{counted(status.info.notes, 'note')} indexed, unchanged since")
    else:
        yield _warning(f"{status.pending} notes are not in the index yet", "ragqa index")


def _store(index: Index) -> Iterator[Finding]:
    kept = index.kept
    if kept.host:
        what = f"the index is kept at {kept.where}, which you allowed; it is sent {SENT}"
        yield _ok(f"{what}{', unencrypted' if kept.uri.startswith('http://') else ''}")


def _files(index: Index) -> Iterator[Finding]:
    problems = index.problems()
    for what in problems:
        yield Finding(Severity.ERROR, what, _REPAIR, 4)
    if not problems:
        is_local = index.kept.kind == "local"
        yield _ok(
            "every file of the index is intact"
            if is_local
            else "none of the index's rows is missing"
        )


def _models(index: Index) -> Iterator[Finding]:
    try:
        index.snapshot()
        yield _ok("the embedder is the one that the index was built with")
    except RagqaError as exc:
        yield _failure(exc)
    try:
        reader = reader_for(index.settings.reader)
        yield _ok(f"the reader is {reader.name}")
    except UsageError as exc:
        yield _warning(f"no reader is used: {exc.message}", exc.hint)


class Choice(Struct, frozen=True):
    """The configured LLM backend, and what using it would mean.

    `spec` is `KIND:MODEL`, or "" for none, and `origin` the source of the setting, in words.
    `destination` is None if unknown; `allowed` says whether data may go there, None where no LLM
    is set. `problem` is why it cannot be used, or "". `index_host` is the host that the index is
    sent to, or "".
    """

    JSON = Keys(
        f"llm=spec origin {_WHERE} allowed problem fix", null="llm origin host proxy problem fix"
    )

    spec: str = ""
    origin: str = ""
    destination: Destination | None = None
    allowed: bool | None = None
    problem: str = ""
    fix: str = ""
    index_host: str = ""

    @property
    def other_traffic(self) -> str:
        """What leaves this machine apart from LLM requests, in words."""
        if self.index_host:
            return f"nothing but the index leaves this machine, to {self.index_host}"
        return "nothing leaves this machine"


def choice_of(loaded: Loaded) -> Choice:
    """The backend that these settings select."""
    settings = loaded.settings
    choice = Choice(index_host=remote_host(settings.store))
    if settings.llm in ("", NO_LLM):
        return choice
    origin = _ORIGINS.get(loaded.origins["llm"], loaded.origins["llm"])
    choice = replace(choice, spec=settings.llm, origin=origin)
    try:
        destination = llm_for(settings.llm, settings.llm_url).destination
    except RagqaError as exc:
        return replace(choice, allowed=False, problem=exc.message, fix=exc.hint)
    allowed = destination.is_local or is_allowed(destination.host)
    return replace(choice, destination=destination, allowed=allowed)


def diagnose_llm(choice: Choice) -> Finding:
    """Where the configured backend would send; sends nothing."""
    if not choice.spec:
        return _ok(f"no LLM is set: answers are your notes' own words, {choice.other_traffic}")
    llm, there = f"the LLM {choice.spec}, set by {choice.origin},", choice.destination
    if there is None:
        return _warning(f"{llm} cannot be used: {choice.problem}", choice.fix)
    if there.is_local:
        return _ok(f"{llm} is on this machine: {choice.other_traffic}")
    sent = f"{llm} receives your questions and passages of your notes, at {there.where}"
    if choice.allowed:
        return _ok(f"{sent}, which you allowed")
    return _warning(f"{sent}, once you allow it", f"ragqa llm allow {there.host}")


class Offer(Struct, frozen=True):
    """A kind of backend on this machine.

    `destination` is where it would send, None if it cannot be used; `problem` says why, or why its
    server did not answer, and `fix` how to mend that. `answers` is None if its server was not
    asked. `models` are the models that it has, None if it was not asked.
    """

    JSON = Keys(
        f"kind form needs usable {_WHERE} answers models problem fix", null="host proxy problem fix"
    )

    kind: str
    form: str
    needs: str
    destination: Destination | None = None
    answers: bool | None = None
    models: tuple[str, ...] | None = None
    problem: str = ""
    fix: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can be used, as far as is known."""
        return self.destination is not None and self.answers is not False


def offers_of(loaded: Loaded) -> list[Offer]:
    """Every kind of backend.

    Servers on this machine and at allowed hosts are asked for their models; nothing else is sent.
    """
    return [_offer(kind, loaded.settings.llm_url) for kind in LLMS]


def _offer(kind: str, url: str) -> Offer:
    if kind == SCRIPTED:
        form = f"{kind}:FILE"
        return Offer(kind, form, LLMS[kind], Destination(form))
    from ragqa.llms.http import make

    offer = Offer(kind, f"{kind}:MODEL", LLMS[kind])
    try:
        llm = make(kind, "MODEL", url)
    except RagqaError as exc:
        return replace(offer, problem=exc.message, fix=exc.hint)
    offer = replace(offer, destination=llm.destination)
    if not (llm.destination.is_local or is_allowed(llm.destination.host)):
        return offer
    busy = "ragqa llm list, once the server has time"
    listed = read_apart(llm.models, f"{kind}'s server", _LISTING_S, 1_000_000, late=busy)
    try:
        return replace(offer, answers=True, models=tuple("".join(listed).split("\n")[:-1]))
    except BackendFailed as exc:
        return replace(offer, answers=False, models=(), problem=exc.message, fix=exc.hint)


class Trial(Struct, frozen=True):
    """How an LLM replied to the prompt that tries it.

    `first_ms` is the time to the first piece of text and `total_ms` to the end of the reply.
    `right` says whether the reply is the known answer, `cites` whether it cites its passage alone.
    """

    JSON = Keys(
        f"backend=destination.backend {_WHERE} first_ms total_ms pieces streams right cites "
        "said=reply",
        null="host proxy",
    )

    destination: Destination
    first_ms: float
    total_ms: float
    pieces: int
    streams: bool
    right: bool
    cites: bool
    reply: str


def try_llm(llm: LLM, *, max_tokens: int, deadline_s: int) -> Trial:
    """Send the prompt and wait for the reply, with the same limits as for any answer.

    :raises BackendFailed: there was no reply.
    """
    start = time.perf_counter()
    pieces, arrived = [], []
    for piece in bounded(llm, PROMPT, max_tokens=max_tokens, deadline_s=deadline_s):
        pieces.append(piece)
        arrived.append(round((time.perf_counter() - start) * 1000, 1))
    reply = "".join(pieces)
    return Trial(
        llm.destination,
        first_ms=arrived[0] if arrived else 0.0,
        total_ms=round((time.perf_counter() - start) * 1000, 1),
        pieces=len(pieces),
        streams=len(pieces) > 1,
        right=RIGHT in reply,
        cites=CITED in reply and OTHER not in reply,
        reply=reply,
    )
