"""Have an LLM answer from passages, and check each sentence as it arrives."""

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from ragqa.answering import Answering
from ragqa.answering.sentences import quotation
from ragqa.claims.compare import Idf
from ragqa.claims.sources import Source, read_sources
from ragqa.claims.support import Support, support_of
from ragqa.config import Settings
from ragqa.embedders import Embedder
from ragqa.errors import BackendFailed, RagqaError
from ragqa.generation.draft import (
    REMOVED,
    Drafted,
    drafted_from,
    is_frame,
    text_of,
    with_marks,
    without_links,
)
from ragqa.generation.prompt import DECLINED, Request, heading_of
from ragqa.llms import LLM, llm_for
from ragqa.llms.limits import Deadline, bounded
from ragqa.search.question import Question
from ragqa.text.seen import set_apart
from ragqa.types import Answer, Citation, Fallback, Hit, Span, Written, WrittenSentence, counted

_WORDS = re.compile(r"\w+")
_NO_SOURCE = Support(0.0, supported=False, against=("no source",))


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
    prompt_tokens: int = 3000
    answer_tokens: int = 700
    deadline_s: float = 120
    strict: bool = False
    force: bool = False
    on_sentence: Callable[[WrittenSentence], None] = lambda _: None
    keep: Callable[[Answer], None] = lambda _: None
    allow: Callable[[], bool] = lambda: True


def writer_of(
    settings: Settings, spec: str, *, strict: bool = False, force: bool = False
) -> Writer:
    """The writer for a backend, `KIND:MODEL`; it has no consent yet, so it may send nothing.

    :raises UsageError: the backend is unknown or unusable.
    """
    return Writer(
        llm_for(spec, settings.llm_url),
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
    backend = writer.llm.destination.backend
    passages = [hit.passage for hit in request.hits]
    sources = read_sources(
        [Source(heading_of(one), one.text, one.language) for one in passages],
        embedder,
        reader=answering.reader,
        by_terms_alone=question.by_terms_alone,
    )
    kept = _Kept(request, writer, partial(support_of, sources=sources, idf=idf))
    fallback, why, hint = None, "", ""
    try:
        kept.take_all()
    except RagqaError as exc:
        fallback, why, hint = Fallback.FAILED, exc.message, exc.hint
    else:
        if kept.declined:
            fallback = Fallback.DECLINED
            why = f"{backend} finds no answer in the passages that it was given"
        elif not any(sentence.supported for sentence in kept.sentences):
            fallback = Fallback.UNSUPPORTED
            why = f"nothing that {backend} wrote is supported by the passages that it cites"
    written = Written(
        backend=backend,
        sentences=tuple(kept.sentences),
        invalid_citations=tuple(kept.invalid),
        dropped=kept.dropped,
        given=len(request.hits),
        left_out=request.left_out,
        fallback=fallback,
        why=why,
        hint=hint,
    )
    if fallback:
        return written, "", ()
    citations = [
        _citation(request.hits[n - 1], n, spans, answering.old_before)
        for n, spans in sorted(kept.evidence.items())
    ]
    return written, text_of(kept.sentences), tuple(citations)


class _Kept:
    """The reply so far: its sentences, and the spans of the passages that support them."""

    def __init__(
        self, request: Request, writer: Writer, support: Callable[[str, tuple[int, ...]], Support]
    ) -> None:
        self._request = request
        self._writer = writer
        self._support = support
        self.sentences: list[WrittenSentence] = []
        self.evidence: dict[int, list[Span]] = {}
        self.invalid: dict[int, None] = {}
        self.dropped = 0
        self.declined = False

    def take_all(self) -> None:
        """Check each sentence of the reply as it arrives, within the deadline.

        :raises BackendFailed: the LLM failed, repeats its prompt, or was not done in time.
        """
        writer = self._writer
        deadline = Deadline(writer.llm.destination.backend, writer.deadline_s)
        pieces = bounded(
            writer.llm,
            self._request.prompt,
            max_tokens=writer.answer_tokens,
            deadline_s=writer.deadline_s,
        )
        # Closing ends the request now, not at garbage collection.
        with closing(pieces):
            for number, one in enumerate(drafted_from(pieces)):
                deadline.left()
                if not number and _WORDS.findall(one.text.upper()) == DECLINED.split():
                    self.declined = True
                    return
                self._take(one)

    def _take(self, one: Drafted) -> None:
        request, writer = self._request, self._writer
        if request.key in one.text:  # which it has from the prompt alone
            backend = writer.llm.destination.backend
            raise BackendFailed(f"{backend} repeated its prompt instead of answering")
        known = tuple(n for n in one.numbers if 1 <= n <= len(request.hits))
        self.invalid |= dict.fromkeys(n for n in one.numbers if n not in known)
        text = without_links(one.text, request.prompt.message)
        before = self.sentences[-1].text if self.sentences else ""
        lead = one.lead if self.sentences else one.lead.lstrip(" \n")
        framing = not known and is_frame(text, lead, before)
        support = self._support(text, known) if known else _NO_SOURCE
        if REMOVED in text and known:
            against = (*support.against, "a link that no passage has")
            support = replace(support, supported=False, against=against)
        if writer.strict and not (framing or support.supported):
            self.dropped += 1
            return
        for n in known:
            # A passage without evidence is cited whole, so that readers can check it.
            self.evidence.setdefault(n, []).extend(support.evidence.get(n, ()))
        sentence = WrittenSentence(
            lead=lead,
            text=set_apart(text) if text != one.text else with_marks(one, known),
            citations=known,
            support=round(support.score, 4),
            supported=support.supported,
            against=support.against,
            is_frame=framing,
        )
        self.sentences.append(sentence)
        writer.on_sentence(sentence)


def _citation(hit: Hit, n: int, evidence: Sequence[Span], old_before: str) -> Citation:
    """Cite the part of a passage that supports the sentences, or all of it without evidence."""
    passage = hit.passage
    start = passage.start + min((start for start, _ in evidence), default=0)
    end = passage.start + max((end for _, end in evidence), default=len(passage.text))
    units = [unit for unit in passage.units if unit.start < end and start < unit.end]
    return quotation(passage, units or passage.units, n=n, score=hit.score, old_before=old_before)
