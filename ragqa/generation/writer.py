"""Have an LLM answer from passages, and check each sentence as it arrives."""

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ragqa.answering import Answering
from ragqa.answering.sentences import quotation
from ragqa.claims.compare import Idf
from ragqa.claims.sources import Source, Sources, read_sources
from ragqa.claims.support import Support, support_of
from ragqa.config import Settings
from ragqa.embedders import Embedder
from ragqa.errors import BackendFailed, RagqaError, UsageError
from ragqa.generation.draft import (
    REMOVED,
    Draft,
    Drafted,
    is_frame,
    text_of,
    with_marks,
    without_links,
)
from ragqa.generation.prompt import DECLINED, INSTRUCTIONS, Request, heading_of
from ragqa.llms import LLM, llm_for
from ragqa.llms.limits import bounded, in_time
from ragqa.safe import safe_text
from ragqa.search.question import Question
from ragqa.text.seen import set_apart
from ragqa.types import Answer, Citation, Fallback, Hit, Span, Written, WrittenSentence, counted

_WORDS = re.compile(r"\w+")
_NO_SOURCE = Support(0.0, supported=False, against=("no source",))

_MAX_TEMPLATE_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Writer:
    """An LLM that writes answers, and its options.

    `prompt_tokens` and `answer_tokens` limit its input and output, `deadline_s` the seconds for
    writing and checking. `strict` drops sentences that their sources do not support; `force` asks
    the LLM even if the notes do not seem to answer. `on_sentence` is called with each sentence once
    it is checked. Before anything is sent, `keep` is called with the extractive answer, and `allow`
    returns whether anything may be sent.
    """

    llm: LLM
    instructions: str = INSTRUCTIONS
    prompt_tokens: int = 3000
    answer_tokens: int = 700
    deadline_s: float = 120
    strict: bool = False
    force: bool = False
    on_sentence: Callable[[WrittenSentence], None] = lambda _: None
    keep: Callable[[Answer], None] = lambda _: None
    allow: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class _Kept:
    """The reply so far: its sentences, and the spans of the passages that support them."""

    sentences: list[WrittenSentence] = field(default_factory=list)
    evidence: dict[int, list[Span]] = field(default_factory=dict)
    invalid: dict[int, None] = field(default_factory=dict)
    dropped: int = 0
    declined: bool = False

    def written(self, request: Request, backend: str, failure: RagqaError | None) -> Written:
        """The result of the reply, or why it is not used."""
        fallback, why = None, ""
        if failure is not None:
            fallback, why = Fallback.FAILED, failure.message
        elif self.declined:
            fallback = Fallback.DECLINED
            why = f"{backend} finds no answer in the passages that it was given"
        elif not any(sentence.supported for sentence in self.sentences):
            fallback = Fallback.UNSUPPORTED
            why = f"nothing that {backend} wrote is supported by the passages that it cites"
        return Written(
            backend=backend,
            sentences=tuple(self.sentences),
            invalid_citations=tuple(self.invalid),
            dropped=self.dropped,
            given=len(request.hits),
            left_out=request.left_out,
            fallback=fallback,
            why=why,
            hint=failure.hint if failure else "",
        )


def write(
    request: Request,
    writer: Writer,
    question: Question,
    answering: Answering,
    *,
    embedder: Embedder,
    idf: Idf,
) -> tuple[Written, str, tuple[Citation, ...]]:
    """Have the LLM write an answer; returns the result, the text and the citations.

    Failures are reported in `Written.fallback`; text and citations are then empty.

    :param idf: returns the inverse document frequency of each term.
    """
    sources = read_sources(
        [
            Source(heading_of(hit.passage), hit.passage.text, hit.passage.language)
            for hit in request.hits
        ],
        embedder,
        reader=answering.reader,
        by_terms_alone=question.by_terms_alone,
    )
    kept = _Kept()
    failure: RagqaError | None = None
    try:
        with closing(_reply(request, writer)) as drafted:
            timely = in_time(drafted, writer.llm, deadline_s=writer.deadline_s)
            _keep(kept, timely, writer, request, partial(_support, sources=sources, idf=idf))
    except RagqaError as exc:
        failure = exc
    written = kept.written(request, writer.llm.destination.backend, failure)
    if written.fallback:
        return written, "", ()
    citations = [
        _citation(request.hits[n - 1], n, spans, answering.old_before)
        for n, spans in sorted(kept.evidence.items())
    ]
    return written, text_of(kept.sentences), tuple(citations)


def _reply(request: Request, writer: Writer) -> Generator[Drafted]:
    """Yield the sentences of the reply as they arrive."""
    draft = Draft()
    pieces = bounded(
        writer.llm,
        request.prompt,
        max_tokens=writer.answer_tokens,
        deadline_s=writer.deadline_s,
    )
    # Closing ends the request now, not at garbage collection.
    with closing(pieces):
        for piece in pieces:
            yield from draft.feed(piece)
    yield from draft.finish()


def _keep(
    kept: _Kept,
    drafted: Iterable[Drafted],
    writer: Writer,
    request: Request,
    support_of_text: Callable[[str, tuple[int, ...]], Support],
) -> None:
    """Check each sentence as it arrives, report it, and keep it with its evidence.

    :raises BackendFailed: the LLM repeats its prompt.
    """
    for number, one in enumerate(drafted):
        if not number and _WORDS.findall(one.text.upper()) == DECLINED.split():
            kept.declined = True
            return
        _check_own_words(one.text, request, writer)
        known = tuple(n for n in one.numbers if 1 <= n <= len(request.hits))
        kept.invalid |= dict.fromkeys(n for n in one.numbers if n not in known)
        text = without_links(one.text, request.prompt.message)
        before = kept.sentences[-1].text if kept.sentences else ""
        lead = one.lead if kept.sentences else one.lead.lstrip(" \n")
        framing = not known and is_frame(text, lead, before)
        support = support_of_text(text, known)
        if writer.strict and not (framing or support.supported):
            kept.dropped += 1
            continue
        for n in known:
            # A passage without evidence is cited whole, so that readers can check it.
            kept.evidence.setdefault(n, []).extend(support.evidence.get(n, ()))
        sentence = WrittenSentence(
            lead=lead,
            text=set_apart(text) if text != one.text else with_marks(one, known),
            citations=known,
            support=round(support.score, 4),
            supported=support.supported,
            against=support.against,
            is_frame=framing,
        )
        kept.sentences.append(sentence)
        writer.on_sentence(sentence)


def _check_own_words(text: str, request: Request, writer: Writer) -> None:
    """Check that the LLM does not repeat its prompt, whose key it has from there alone."""
    if request.key in text:
        backend = writer.llm.destination.backend
        raise BackendFailed(f"{backend} repeated its prompt instead of answering")


def _support(text: str, cited: tuple[int, ...], *, sources: Sources, idf: Idf) -> Support:
    if not cited:
        return _NO_SOURCE
    support = support_of(text, cited, sources, idf)
    if REMOVED not in text:
        return support
    against = (*support.against, "a link that no passage has")
    return replace(support, supported=False, against=against)


def _citation(hit: Hit, n: int, evidence: Sequence[Span], old_before: str) -> Citation:
    """Cite the part of a passage that supports the sentences, or all of it without evidence."""
    passage = hit.passage
    start = passage.start + min((start for start, _ in evidence), default=0)
    end = passage.start + max((end for _, end in evidence), default=len(passage.text))
    units = [unit for unit in passage.units if unit.start < end and start < unit.end]
    return quotation(passage, units or passage.units, n=n, score=hit.score, old_before=old_before)


def writer_of(
    settings: Settings, spec: str, *, strict: bool = False, force: bool = False
) -> Writer:
    """The writer for a backend, `KIND:MODEL`; it has no consent yet, so it may send nothing.

    :raises UsageError: the backend is unknown or unusable, or the instructions cannot be read.
    """
    return Writer(
        llm_for(spec),
        instructions=instructions_in(settings),
        prompt_tokens=settings.llm_prompt_tokens,
        answer_tokens=settings.llm_answer_tokens,
        deadline_s=settings.llm_deadline_s,
        strict=strict,
        force=force,
        allow=lambda: False,
    )


def what_is_sent(settings: Settings) -> str:
    """What a question sends, in words."""
    passages = counted(settings.top_k, "passage")
    return f"what you ask and up to {passages} of your notes (ragqa ask --show-prompt shows them)"


def instructions_in(settings: Settings) -> str:
    """The user's instructions for the LLM, or the built-in ones.

    They are sanitised, so that what is sent is exactly what is shown.

    :raises UsageError: the user's file cannot be read, is blank or is too long.
    """
    if not settings.llm_template:
        return INSTRUCTIONS
    path = Path(settings.llm_template).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TEMPLATE_BYTES + 1)
        if len(data) > _MAX_TEMPLATE_BYTES:
            reason = f"it holds more than {_MAX_TEMPLATE_BYTES} bytes"
        elif text := safe_text(data.decode("utf-8-sig")).strip():
            return f"{text}\n"
        else:
            reason = "it is empty"
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
    raise UsageError(
        f"the instructions for the LLM cannot be read from {path}: {reason}",
        hint="ragqa config set llm_template FILE, or ragqa config unset llm_template",
    )
