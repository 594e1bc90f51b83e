"""Report the configured LLM backend, its origin and where data would go; sends nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ragqa.config import Loaded, Origin
from ragqa.consent import consents, is_allowed
from ragqa.diagnosis.findings import Finding, Severity
from ragqa.errors import RagqaError
from ragqa.llms import LLMS, NO_LLM, Destination, Kind, kinds, llm_for
from ragqa.llms.secrets import check_key_file
from ragqa.stores import remote_host


@dataclass(frozen=True, slots=True)
class Choice:
    """The configured LLM backend, and what using it would mean.

    :param spec: `KIND:MODEL`, or "" for none.
    :param origin: the source of the setting, in words.
    :param destination: where data would go; None if unknown.
    :param allowed: whether data may go there: it is this machine, or the user allowed it.
    :param problem: why it cannot be used, or ""; `fix` is the remedy.
    :param index_host: the host that the index is sent to; "" if it stays on this machine.
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
    kinds: tuple[Kind, ...]
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


_ORIGINS: dict[str, str] = {
    Origin.FLAG: "the command",
    Origin.ENVIRONMENT: "RAGQA_LLM in the environment",
    Origin.USER: "your own settings",
}
