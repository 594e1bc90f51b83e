"""Report the configured LLM backend and where data would go; only `try_llm` sends anything."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ragqa.config import Loaded, Origin
from ragqa.consent import consents, is_allowed
from ragqa.diagnosis.index import Finding, Severity
from ragqa.errors import RagqaError
from ragqa.llms import LLM, LLMS, NO_LLM, BackendKind, Destination, Prompt, kinds, llm_for
from ragqa.llms.limits import bounded
from ragqa.llms.secrets import check_key_file
from ragqa.stores import remote_host

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
WHAT = "a fixed question with two made-up passages, and nothing of your notes"

_ORIGINS: dict[str, str] = {
    Origin.FLAG: "the command",
    Origin.ENVIRONMENT: "RAGQA_LLM in the environment",
    Origin.USER: "your own settings",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The configured LLM backend, and what using it would mean.

    `spec` is `KIND:MODEL`, or "" for none, and `origin` the source of the setting, in words.
    `destination` is None if unknown; `allowed` says whether data may go there. `problem` is why it
    cannot be used, or "", and `fix` the remedy. `index_host` is the host that the index is sent to,
    "" if it stays on this machine.
    """

    spec: str = ""
    origin: str = ""
    destination: Destination | None = None
    allowed: bool = True
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
    index_host = remote_host(settings.store, settings.store_uri)
    return replace(_choice(settings.llm, loaded), index_host=index_host)


def _choice(spec: str, loaded: Loaded) -> Choice:
    if spec in ("", NO_LLM):
        return Choice()
    origin = _ORIGINS.get(loaded.origins["llm"], loaded.origins["llm"])
    try:
        destination = llm_for(spec).destination
    except RagqaError as exc:
        return Choice(spec, origin, None, allowed=False, problem=exc.message, fix=exc.hint)
    except Exception as exc:  # noqa: BLE001 - it may be a third-party package
        problem = f"it cannot say where data goes: {type(exc).__name__}"
        return Choice(spec, origin, None, allowed=False, problem=problem)
    allowed = destination.is_local or is_allowed(destination.host)
    return Choice(spec, origin, destination, allowed)


@dataclass(frozen=True, slots=True)
class Overview:
    """What `ragqa llm list` shows: the configured backend, all kinds, the allowed hosts."""

    choice: Choice
    kinds: tuple[BackendKind, ...]
    hosts: tuple[str, ...]
    warnings: tuple[str, ...]


def overview_of(loaded: Loaded) -> Overview:
    """List every kind of backend and the allowed hosts; sends nothing."""
    known = consents()
    return Overview(choice_of(loaded), tuple(kinds()), known.hosts, known.warnings)


def diagnose_llm(choice: Choice) -> Iterator[Finding]:
    """Check the configured backend, the consents and the key files; sends nothing."""
    yield _finding(choice)
    known = consents()
    if known.problem:
        yield Finding(Severity.WARNING, known.problem, known.fix)
    for kind in LLMS:
        try:
            check_key_file(kind)
        except RagqaError as exc:
            if exc.message != choice.problem:
                yield Finding(Severity.WARNING, exc.message, exc.hint)


def _finding(choice: Choice) -> Finding:
    if not choice.spec:
        message = f"no LLM is set: answers are your notes' own words, {choice.other_traffic}"
        return Finding(Severity.OK, message)
    llm = f"the LLM {choice.spec}, set by {choice.origin},"
    if choice.destination is None:
        return Finding(Severity.WARNING, f"{llm} cannot be used: {choice.problem}", choice.fix)
    if choice.destination.is_local:
        message = f"{llm} is on this machine: {choice.other_traffic}"
        return Finding(Severity.OK, message)
    sent = (
        f"{llm} receives your questions and passages of your notes, at {choice.destination.where}"
    )
    if choice.allowed:
        return Finding(Severity.OK, f"{sent}, which you allowed")
    fix = f"ragqa llm allow {choice.destination.host}"
    return Finding(Severity.WARNING, f"{sent}, once you allow it", fix)


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of the prompt.

    `first_ms` is the time to the first piece of text and `total_ms` to the end of the reply.
    """

    destination: Destination
    first_ms: float
    total_ms: float
    pieces: int
    reply: str

    @property
    def streams(self) -> bool:
        """Whether the backend streams its reply."""
        return self.pieces > 1

    @property
    def cites(self) -> bool:
        """Whether the reply cites the right passage, and no other."""
        return "[1]" in self.reply and "[2]" not in self.reply


def try_llm(llm: LLM, *, max_tokens: int, deadline_s: int) -> Trial:
    """Send the prompt and wait for the reply, with the same limits as for any answer.

    :raises BackendFailed: there was no reply.
    """
    start = time.perf_counter()
    arrived: list[float] = []
    pieces: list[str] = []
    stream = bounded(
        llm,
        PROMPT,
        max_tokens=max_tokens,
        deadline_s=deadline_s,
    )
    for piece in stream:
        arrived.append(_since(start))
        pieces.append(piece)
    return Trial(
        destination=llm.destination,
        first_ms=arrived[0],
        total_ms=_since(start),
        pieces=len(pieces),
        reply="".join(pieces),
    )


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
