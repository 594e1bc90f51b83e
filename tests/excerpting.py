"""Layouts of notes and excerpts from them, made as ragqa makes those of an answer."""

from dataclasses import replace

from hypothesis import strategies as st

from ragqa.answering import Evidence
from ragqa.answering.candidates import candidates_of
from ragqa.answering.excerpt import Finder
from ragqa.answering.excerpt_runs import excerpt_around
from ragqa.answering.layout import Layout
from ragqa.answering.score import read
from ragqa.embedders import embedder_for
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.split import split_note
from ragqa.search.question import Question
from ragqa.search.question_kind import SHORT, kind_of
from ragqa.text.words import query_terms
from ragqa.types import Hit

EMBEDDER = embedder_for("hashed:64", building=False)

_WORDS = st.sampled_from(["red", "It is", "**fig**", "`a. b`", "汉字。", "3.5", "~~no~~", "%%c%%"])
_SENTENCE = st.builds(
    lambda words, end: " ".join(words) + end,
    st.lists(_WORDS, min_size=1, max_size=9),
    st.sampled_from([".", "?", ":", "", ".\n"]),
)
_ITEM = st.builds(
    lambda depth, mark, text: f"{'   ' * depth}{mark} {text.strip()}",
    st.integers(0, 2),
    st.sampled_from(["-", "1.", "-\n\n  x\n-", "- x\n\n  y:\n\n  - z\n-"]),
    _SENTENCE,
)
_ROW = _WORDS.map(lambda word: f"| {word} | {word} |")
MARKDOWN = st.lists(
    st.lists(_SENTENCE, min_size=1, max_size=4).map(" ".join)
    | st.lists(_ITEM, min_size=1, max_size=6).map("\n".join)
    | st.lists(_ROW, max_size=4).map(lambda rows: "\n".join(["| a | b |\n|---|---|", *rows]))
    | st.builds("{} {}".format, st.sampled_from(["#", "##", "###"]), _WORDS)
    | st.sampled_from(
        ["---", "> a. b\n> c", "```\ncode\n```", "<!-- no -->", "<p>x</p>", "\u3000y"]
    ),
    max_size=10,
).map("\n\n".join)
"""Notes of any structure; what is hidden in them is "no" and "c"."""


def asked(text, *, idf=None, languages=("en",), **more):
    """A question as `read_question` reads it, with the embedder that needs no model."""
    kind, subject = kind_of(text, languages[0])
    fields = {
        "vectors": EMBEDDER.embed_query(text),
        "typed": text,
        "corrected": (),
        "languages": languages,
        "readable": 1.0,
        "kind": kind,
        "subject": subject,
        "terms": frozenset(query_terms(text, languages)),
        "searched": tuple(idf or ()),
        "parts": (),
        "idf": idf or {},
        "length": 1.0,
    }
    return Question(text, **(fields | more))


def passages_of(text, path="note.md", *, window=400, target=200):
    """The passages of a note, in order.

    :param window: the most tokens of a passage, a word being one.
    """
    return split_note(
        parse_note(path, text),
        chunking=Chunking(target_tokens=target),
        window=window,
        count_tokens=lambda texts: [2 + len(one.split()) for one in texts],
    )


def layout_of(text, **how):
    """A whole note, laid out."""
    return Layout.of(text, passages_of(text, **how))


def excerpt(text, best, question="what is it like", *, also=(), **how):
    """The excerpt around the piece that begins with `best`.

    :param also: what other pieces begin with that answer nearly as well.
    """
    layout = layout_of(text, **how)
    scores = [0.9 * any(_begins(layout, i, one) for one in also) for i in _all(layout)]
    (at,) = (i for i in _all(layout) if _begins(layout, i, best))
    scores[at] = 1.0
    short = asked(question).kind in SHORT
    return layout.quote(excerpt_around(layout, scores, at, short=short))


def _all(layout):
    return range(len(layout.pieces))


def _begins(layout, i, words):
    return layout.quote((i, i)).lstrip("-*#|0123456789. ").startswith(words)


def composed(question, notes, scores, *, holds=0.0, idf=None, hits=None):
    """The excerpts of notes, by their paths, that answer a question.

    :param scores: the score of each candidate by the first of these words that it has, else 0.1.
    :param hits: words of the passages that are found, best first; all are where it is None.
    """
    passages = [p for path, text in notes.items() for p in passages_of(text, path)]
    shown = passages if hits is None else [p for one in hits for p in passages if one in p.text]
    found = tuple(Hit(p, score=1 - i / 100, dense=0.5, terms=1.0) for i, p in enumerate(shown))
    idf = idf or dict.fromkeys(query_terms(question), 1.0)
    reading = read(asked(question, idf=idf), found, EMBEDDER)
    evidence = evidence_of(notes, passages, found)
    scored = [_scored(candidate, scores, holds) for candidate in candidates_of(found, evidence)]
    return Finder(reading, scored, evidence).excerpts()


def evidence_of(texts, passages, hits, **more):
    """What was found in notes of which the whole text is known, by their paths."""
    layouts = {p.path: Layout.of(texts[p.path], _of(p.path, passages)) for p in passages}
    alone = Evidence.of_passages(hits)
    return replace(alone, notes={hit.passage.id: layouts[hit.passage.path] for hit in hits}, **more)


def _of(path, passages):
    return [passage for passage in passages if passage.path == path]


def _scored(candidate, scores, holds):
    score = next((score for words, score in scores.items() if words in candidate.text), 0.1)
    signals = {"holds": holds, "cosine": score, "maxsim": score, "coverage": score}
    return replace(candidate, score=score, signals=signals)
