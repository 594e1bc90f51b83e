"""Results as JSON documents, whose keys scripts rely on; `docs/schema` is made from them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType, convert, field, structs, to_builtins

from ragqa import types
from ragqa.render.view import warnings_of

if TYPE_CHECKING:
    from ragqa.addresses import NotePart
    from ragqa.related import RelatedNotes

Document = dict[str, Any]

_fields_of = cache(structs.fields)


def fields_of(source: object, *names: str) -> Document:
    """These attributes of an object, by name."""
    return {name: getattr(source, name) for name in names}


class Json(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A JSON object made of the attributes of another; a value equal to its default is left out.

    A field has the name of the attribute; its key in JSON may be another.
    """

    def __post_init__(self) -> None:
        """An empty text is null where the key may be null."""
        for key in _fields_of(type(self)):
            if key.type == str | None and getattr(self, key.name) == "":
                setattr(self, key.name, None)

    @classmethod
    def document(cls, source: object, **given: object) -> Document:
        """The JSON object of an object's attributes and of what is given instead of them."""
        values = {
            key.encode_name: given.get(key.name, getattr(source, key.name, UNSET))
            for key in _fields_of(cls)
        }
        values = {key: value for key, value in values.items() if value is not UNSET}
        document: Document = to_builtins(convert(values, cls, from_attributes=True))
        return document


class Index(Json):
    """The index that gave a result."""

    generation: int
    embedder_name: str = field(name="embedder")
    notes: int
    passages: int


class Citation(Json):
    """A citation of an answer."""

    n: int
    path: str
    lines: types.Span
    chars: types.Span
    heading: tuple[str, ...]
    quote: str
    note_sha256: str
    score: float
    short_answer: types.ShortAnswer | None
    answer_spans: tuple[types.Span, ...]
    cuts: types.Cut = field(name="cut")
    around: types.Span | None
    note_date: str | None
    old: bool
    date: str | None
    date_from: str | None
    context: str = ""
    locator: str = ""


class _Passage(Json):
    path: str
    lines: types.Span
    chars: types.Span
    heading: tuple[str, ...]
    note_date: str | None
    text: str
    score: float
    dense: float | None
    terms: float | None
    locator: str = ""


class Sentence(Json):
    """A sentence that an LLM wrote, and what the passages that it cites lack or say otherwise."""

    text: str
    citations: tuple[int, ...]
    lacks: tuple[str, ...]
    differs: tuple[str, ...]


class _Llm(Json):
    backend: str
    fallback: types.Fallback | None
    given: int = field(name="passages")
    left_out: int = field(name="passages_left_out")
    dropped: list[Sentence] = field(name="sentences_left_out")


class _Elsewhere(Json):
    """Words that the answer lacks, and where a note has them."""

    words: str
    path: str
    lines: types.Span
    locator: str = ""


class JsonAnswer(Json):
    """What `ragqa ask --json` prints."""

    question: str
    corrected: tuple[types.Correction, ...]
    answered: bool
    confidence: float
    verdict: types.Verdict
    sure: bool
    missing: tuple[str, ...]
    no_note_has: tuple[str, ...]
    elsewhere: list[_Elsewhere]
    not_there: str | None
    backend: str
    text: str = field(name="answer")
    citations: list[Citation]
    also: list[Citation]
    earlier: list[Citation]
    hits: list[_Passage] = field(name="passages")
    warnings: list[str]
    waiting: int
    timings_ms: Mapping[str, float]
    info: Index = field(name="index")
    is_answer: bool | UnsetType = field(name="by_llm", default=UNSET)
    written: _Llm | UnsetType = field(name="llm", default=UNSET)
    sentences: list[Sentence] | UnsetType = UNSET
    invalid_citations: tuple[int, ...] | UnsetType = UNSET


class JsonSearch(Json):
    """What `ragqa search --json` prints."""

    question: str = field(name="query")
    corrected: tuple[types.Correction, ...]
    hits: list[_Passage]
    warnings: tuple[str, ...]
    waiting: int
    timings_ms: Mapping[str, float]
    info: Index = field(name="index")


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
    info: Index = field(name="index")


class JsonReport(Json):
    """What `ragqa index --json` prints."""

    notes: int
    passages: int
    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[types.Remark, ...]
    left_out: tuple[types.Remark, ...]
    warnings: tuple[str, ...]
    seconds: float
    info: Index = field(name="index")


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
    info: Index = field(name="index")


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
    written = answer.written
    given = fields_of(written, "is_answer", "invalid_citations") if written else {}
    return JsonAnswer.document(
        answer,
        hits=list(map(hit_document, answer.hits)),
        warnings=warnings_of(answer),
        **fields_of(answer.missing, "no_note_has", "not_there"),
        missing=answer.missing.words,
        elsewhere=[
            _Elsewhere.document(lack.place, words=lack.words) for lack in answer.missing.elsewhere
        ],
        written=written or UNSET,
        sentences=written.claims if written else UNSET,
        **given,
    )


def search_document(result: types.SearchResult) -> Document:
    """What `ragqa search --json` prints."""
    return JsonSearch.document(result, hits=list(map(hit_document, result.hits)))


def hit_document(hit: types.Hit) -> Document:
    """A ranked passage."""
    passage, scores = hit.passage, fields_of(hit, "score", "dense", "terms")
    return _Passage.document(
        passage,
        chars=(passage.start, passage.end),
        **{name: None if score is None else round(score, 4) for name, score in scores.items()},
        locator=hit.locator,
    )


def list_document(listed: types.NoteList, *, tags: bool) -> Document:
    """What `ragqa list --json` prints."""
    counts = [{"tag": tag, "notes": notes} for tag, notes in listed.tags.items()]
    chosen: Document = {"notes": UNSET, "tags": counts} if tags else {"tags": UNSET}
    return JsonList.document(listed, **chosen)


def report_document(report: types.IndexReport) -> Document:
    """What `ragqa index --json` prints."""
    counts = fields_of(report.info, "notes", "passages")
    given = skips_document(report.skipped) | {"warnings": list(map(str, report.warnings))}
    return JsonReport.document(report, **counts, **given)


def skips_document(skipped: Sequence[types.Skipped]) -> Document:
    """What could not be read, and what a rule of the user's leaves out."""
    return {
        name: tuple(skip for skip in skipped if skip.is_left_out == left_out)
        for name, left_out in (("skipped", False), ("left_out", True))
    }


def part_document(part: "NotePart") -> Document:
    """What `ragqa get --json` prints."""
    note = fields_of(part.note, "path", "title", "date", "tags")
    return JsonPart.document(part, **note, note_sha256=part.note.sha256)


def related_document(result: "RelatedNotes") -> Document:
    """What `ragqa search --related --json` prints."""
    related = [_Related.document(r, **fields_of(r.note, "path", "title")) for r in result.related]
    return JsonRelated.document(result, note=result.note.path, related=related)
