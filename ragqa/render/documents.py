"""Results as JSON documents, whose keys scripts rely on; `docs/schema` is made from them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, Struct, UnsetType, convert, structs, to_builtins

from ragqa import types
from ragqa.render.view import warnings_of

if TYPE_CHECKING:
    from ragqa.getting import NotePart
    from ragqa.related import RelatedNotes

Document = dict[str, Any]

_keys_of = cache(structs.fields)


def fields_of(source: object, *names: str) -> Document:
    """These attributes of an object, by name."""
    return {name: getattr(source, name) for name in names}


class Json(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A JSON object; a key with a default is left out where it has that value."""

    @classmethod
    def document(cls, source: object, **given: object) -> Document:
        """The JSON object of an object's attributes and of what is given instead of them.

        An empty text is null where the key may be null.
        """
        found = {}
        for key in _keys_of(cls):
            value = given.get(key.name, getattr(source, key.name, UNSET))
            if value is not UNSET:
                found[key.encode_name] = None if value == "" and key.type == str | None else value
        document: Document = to_builtins(convert(found, cls, from_attributes=True))
        return document


class Index(Json):
    """The index that gave a result."""

    generation: int
    embedder: str
    notes: int
    passages: int


class _ShortAnswer(Json):
    text: str
    chars: types.Span


class _Cut(Json):
    before: bool
    after: bool


class _Citation(Json):
    n: int
    path: str
    lines: types.Span
    chars: types.Span
    heading: tuple[str, ...]
    quote: str
    note_sha256: str
    score: float
    short_answer: _ShortAnswer | None
    answer_spans: tuple[types.Span, ...]
    cut: _Cut
    note_date: str | None
    old: bool
    context: str = ""
    locator: str = ""


class _Statement(_Citation, kw_only=True):
    says: str
    says_chars: types.Span | None


class _Disagreement(Json):
    about: Literal["number", "date", "negation"]
    statements: list[_Statement]


class _Passage(Json):
    path: str
    lines: types.Span
    chars: types.Span
    heading: tuple[str, ...]
    text: str
    score: float
    dense: float | None
    terms: float | None
    locator: str = ""


class _Llm(Json):
    backend: str
    fallback: types.Fallback | None
    passages: int
    passages_left_out: int
    sentences_left_out: int


class _Sentence(Json):
    text: str
    citations: tuple[int, ...]
    support: float
    supported: bool
    against: tuple[str, ...]


class JsonAnswer(Json):
    """What `ragqa ask --json` prints."""

    question: str
    corrected: list[types.Correction]
    answered: bool
    confidence: float
    verdict: types.Verdict
    sure: bool
    missing: tuple[str, ...]
    backend: str
    answer: str
    citations: list[_Citation]
    also: list[_Citation]
    disagreements: list[_Disagreement]
    passages: list[_Passage]
    warnings: list[str]
    waiting: int
    timings_ms: Mapping[str, float]
    index: Index
    grounded: bool | UnsetType = UNSET
    llm: _Llm | UnsetType = UNSET
    sentences: list[_Sentence] | UnsetType = UNSET
    invalid_citations: tuple[int, ...] | UnsetType = UNSET


class JsonSearch(Json):
    """What `ragqa search --json` prints."""

    query: str
    corrected: list[types.Correction]
    hits: list[_Passage]
    warnings: tuple[str, ...]
    waiting: int
    timings_ms: Mapping[str, float]
    index: Index


class _Note(Json):
    path: str
    title: str
    date: str | None
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    language: str | None


class _Tag(Json):
    tag: str
    notes: int


class JsonList(Json, kw_only=True):
    """What `ragqa list --json` prints."""

    notes: list[_Note] | UnsetType = UNSET
    tags: list[_Tag] | UnsetType = UNSET
    warnings: tuple[str, ...]
    waiting: int
    index: Index


class JsonReport(Json):
    """What `ragqa index --json` prints."""

    notes: int
    passages: int
    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[types.Skipped, ...]
    left_out: tuple[types.Skipped, ...]
    warnings: tuple[str, ...]
    seconds: float
    index: Index


class _Related(Json):
    path: str
    title: str
    score: float
    why: tuple[str, ...]


class JsonRelated(Json):
    """What `ragqa search --related --json` prints."""

    note: str
    related: list[_Related]
    warnings: tuple[str, ...]
    index: Index


class JsonPart(Json, kw_only=True):
    """What `ragqa get --json` prints."""

    path: str
    title: str
    date: str | None
    tags: tuple[str, ...]
    note_sha256: str
    lines: types.Span
    locator: str = ""
    total_lines: int
    heading: tuple[str, ...]
    text: str


def answer_document(answer: types.Answer) -> Document:
    """What `ragqa ask --json` prints."""
    given: Document = {}
    if (written := answer.written) is not None:
        given |= {
            **fields_of(written, "grounded", "invalid_citations"),
            "llm": _Llm.document(
                written,
                passages=written.given,
                passages_left_out=written.left_out,
                sentences_left_out=written.dropped,
            ),
            "sentences": [sentence_document(sentence) for sentence in written.claims],
        }
    return JsonAnswer.document(
        answer,
        answer=answer.text,
        citations=[citation_document(one) for one in answer.citations],
        also=[citation_document(one) for one in answer.also],
        disagreements=[_disagreement_document(one) for one in answer.disagreements],
        passages=[hit_document(hit) for hit in answer.hits],
        warnings=warnings_of(answer),
        index=index_document(answer.info),
        **given,
    )


def sentence_document(sentence: types.WrittenSentence) -> Document:
    """A sentence that an LLM wrote, and the result of checking it."""
    return _Sentence.document(sentence)


def search_document(result: types.SearchResult) -> Document:
    """What `ragqa search --json` prints."""
    hits = [hit_document(hit) for hit in result.hits]
    return JsonSearch.document(result, hits=hits, index=index_document(result.info))


def list_document(found: types.NoteList, *, tags: bool) -> Document:
    """What `ragqa list --json` prints."""
    return JsonList.document(
        found,
        notes=UNSET if tags else [_Note.document(note) for note in found.notes],
        tags=[_Tag(tag=tag, notes=n) for tag, n in found.tags.items()] if tags else UNSET,
        index=index_document(found.info),
    )


def report_document(report: types.IndexReport) -> Document:
    """What `ragqa index --json` prints."""
    counts = fields_of(report.info, "notes", "passages")
    skips = skips_document(report.skipped)
    return JsonReport.document(report, **counts, **skips, index=index_document(report.info))


def index_document(info: types.IndexInfo) -> Document:
    """The index that gave a result."""
    return Index.document(info, embedder=info.embedder.name)


def skips_document(skipped: Sequence[types.Skipped]) -> Document:
    """What could not be read, and what a rule of the user's leaves out."""
    return {
        name: tuple(one for one in skipped if one.is_left_out == left_out)
        for name, left_out in (("skipped", False), ("left_out", True))
    }


def corrected_document(corrected: Sequence[types.Correction]) -> list[Document]:
    """The words whose spelling was corrected for the search."""
    return [{"from": one.typed, "to": one.read} for one in corrected]


def citation_document(cited: types.Citation, **more: object) -> Document:
    """A citation.

    :param more: what it says, as a statement that disagrees with another.
    """
    return (_Statement if more else _Citation).document(
        cited,
        short_answer=cited.span and {"text": cited.short, "chars": cited.span},
        cut=dict(zip(("before", "after"), cited.cut, strict=True)),
        **more,
    )


def _disagreement_document(one: types.Disagreement) -> Document:
    sides = zip(one.citations, one.says, one.says_chars, strict=True)
    statements = [citation_document(c, says=says, says_chars=chars) for c, says, chars in sides]
    return _Disagreement.document(one, statements=statements)


def hit_document(hit: types.Hit) -> Document:
    """A ranked passage."""
    scores = fields_of(hit, "score", "dense", "terms")
    return _Passage.document(
        hit.passage,
        chars=(hit.passage.start, hit.passage.end),
        **{name: None if score is None else round(score, 4) for name, score in scores.items()},
        locator=hit.locator,
    )


def part_document(part: "NotePart") -> Document:
    """What `ragqa get --json` prints."""
    note = fields_of(part.note, "path", "title", "date", "tags")
    return JsonPart.document(part, **note, note_sha256=part.note.sha256)


def related_document(found: "RelatedNotes") -> Document:
    """What `ragqa search --related --json` prints."""
    near = [_Related.document(one, **fields_of(one.note, "path", "title")) for one in found.related]
    index = index_document(found.info)
    return JsonRelated.document(found, note=found.note.path, related=near, index=index)
