"""The configured LLM backend, where data would go, which servers answer, and a trial of one."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ragqa.config import Loaded, Origin
from ragqa.consent import consents, is_allowed
from ragqa.diagnosis.index import Finding, Severity
from ragqa.errors import BackendFailed, RagqaError
from ragqa.llms import LLM, LLMS, NO_LLM, SCRIPTED, Destination, Prompt, llm_for
from ragqa.llms.limits import bounded, read_apart
from ragqa.llms.servers import check_key_file
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
RIGHT, CITED, OTHER = "1871", "[1]", "[2]"
"""The answer, the passage that it is in, and the one that it is not in."""
WHAT = "a fixed question with two made-up passages, and nothing of your notes"

_LISTING_S = 5
_BUSY = "ragqa llm list, once the server has time"
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
    cannot be used, or "". `index_host` is the host that the index is sent to, or "".
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
    choice = Choice(index_host=remote_host(settings.store, settings.store_uri))
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
class Offer:
    """A kind of backend on this machine.

    `destination` is where it would send, None if it cannot be used; `problem` says why, or why its
    server did not answer, and `fix` how to mend that. `answers` is None if its server was not
    asked. `models` are the models that it has.
    """

    kind: str
    form: str
    needs: str
    destination: Destination | None = None
    answers: bool | None = None
    models: tuple[str, ...] = ()
    problem: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """What `ragqa llm list` shows: the configured backend, all kinds, the allowed hosts."""

    choice: Choice
    offers: tuple[Offer, ...]
    hosts: tuple[str, ...]
    warnings: tuple[str, ...]


def overview_of(loaded: Loaded) -> Overview:
    """List every kind of backend and the allowed hosts.

    Servers on this machine and at allowed hosts are asked for their models; nothing else is sent.
    """
    known, url = consents(), loaded.settings.llm_url
    offers = tuple(_offer(kind, url) for kind in LLMS)
    return Overview(choice_of(loaded), offers, known.hosts, known.warnings)


def _offer(kind: str, url: str) -> Offer:
    form = f"{kind}:{'FILE' if kind == SCRIPTED else 'MODEL'}"
    offer = Offer(kind, form, LLMS[kind])
    if kind == SCRIPTED:
        return replace(offer, destination=Destination(form))
    from ragqa.llms.http import make

    try:
        llm = make(kind, "MODEL", url)
    except RagqaError as exc:
        return replace(offer, problem=exc.message, fix=exc.hint)
    offer = replace(offer, destination=llm.destination)
    if not (llm.destination.is_local or is_allowed(llm.destination.host)):
        return offer
    listed = read_apart(llm.models, f"{kind}'s server", _LISTING_S, 1_000_000, late=_BUSY)
    try:
        return replace(offer, answers=True, models=tuple("".join(listed).split("\n")[:-1]))
    except BackendFailed as exc:
        return replace(offer, answers=False, problem=exc.message, fix=exc.hint)


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome of the prompt.

    `first_ms` is the time to the first piece of text and `total_ms` to the end of the reply.
    `right` says whether the reply is the known answer, `cites` whether it cites its passage alone.
    """

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
    pieces, first_ms = [], 0.0
    for piece in bounded(llm, PROMPT, max_tokens=max_tokens, deadline_s=deadline_s):
        first_ms = first_ms or _since(start)
        pieces.append(piece)
    reply = "".join(pieces)
    return Trial(
        llm.destination,
        first_ms,
        total_ms=_since(start),
        pieces=len(pieces),
        streams=len(pieces) > 1,
        right=RIGHT in reply,
        cites=CITED in reply and OTHER not in reply,
        reply=reply,
    )


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 1)
