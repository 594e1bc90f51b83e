"""The report is one page that needs nothing else, and in which the document is only text."""

import copy
import math
import re
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.render.report import report_page

VOID = {"meta", "br", "hr", "img", "input", "link"}
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Page(HTMLParser):
    """What a browser would see: the elements, their attributes and the text."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.attributes, self.ids = [], [], [], []
        self.texts, self.styles, self.unbalanced = [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        (self.styles if self.open and self.open[-1] == "style" else self.texts).append(data)

    @property
    def text(self):
        return "".join(self.texts)

    @property
    def sections(self):
        return [value for tag, name, value in self.attributes if (tag, name) == ("section", "id")]


def measures(base):
    return {
        "ndcg@10": base,
        "recall@1": base - 0.12,
        "recall@5": base + 0.05,
        "recall@10": base + 0.09,
        "recall@100": 0.99,
        "mrr@10": base - 0.02,
    }


def missed(number, stage, kind="table", **changes):
    question = {
        "id": f"q-{number:03}",
        "question": "Which value of k1 does the comparison of term weightings recommend?",
        "kind": kind,
        "answerable": True,
        "ranks": {"hybrid": [4, None], "dense": [11, None], "terms": [1, 17]},
        "answer": [0.0, 0.0, 1.0],
        "confidence": 0.6132,
        "answered": True,
        "sure": False,
        "missed": {
            "stage": stage,
            "expected": [
                {
                    "path": "retrieval/bm25.md",
                    "lines": [10, 10],
                    "quote": "| k1 | 1.2 | saturation of term frequency |",
                    "part": 1,
                },
                {
                    "path": "retrieval/tuning.md",
                    "lines": [31, 33],
                    "quote": "Start at 1.2.",
                    "part": 2,
                },
            ],
            "found": [
                {
                    "path": "retrieval/bm25.md",
                    "lines": [1, 12],
                    "heading": ["BM25", "Parameters"],
                    "text": "The two parameters are tuned on held-out questions.\n\n"
                    "| name | value | meaning |\n| --- | --- | --- |\n"
                    "| k1 | 1.2 | saturation of term frequency |\n| b | 0.75 | length |",
                    "score": 0.9134,
                },
                {
                    "path": "fine-tuning/a-note-with-a-rather-long-name-that-does-not-end.md",
                    "lines": [40, 58],
                    "heading": ["Fine-tuning", "Learning rate", "Schedules that were tried"],
                    "text": "A schedule with warm-up was better than a constant rate. " * 7,
                    "score": 0.7,
                },
                {
                    "path": "other.md",
                    "lines": [3, 3],
                    "heading": [],
                    "text": "Short.",
                    "score": 0.41,
                },
            ],
            "said": [
                "The two parameters are tuned on held-out questions.",
                "A schedule with warm-up was better than a constant rate.",
            ],
        },
    }
    return question | changes


KINDS = ("fact", "table", "list item", "definition", "multi-part", "paraphrase of a heading")

SAMPLE = {
    "dataset": "questions",
    "mode": "questions",
    "queries": 126,
    "partial": True,
    "half": "test",
    "settings": {
        "embedder": "all-MiniLM-L6-v2",
        "passage_tokens": 200,
        "candidates": 200,
        "dense_weight": 0.5,
        "sentence_vectors": False,
        "reranker": None,
    },
    "index": {"embedder": "all-MiniLM-L6-v2", "notes": 53, "passages": 900},
    "methods": {"hybrid": measures(0.812), "dense": measures(0.74), "terms": measures(0.7655)},
    "answer@1": 0.61,
    "answer@2": 0.74,
    "answer@3": 0.83,
    "recall": 0.88,
    "precision": 0.11,
    "precision_omega": 0.35,
    "iou": 0.1,
    "auroc": 0.91,
    "ece": 0.046,
    "aurc": 0.08,
    "risk_coverage": [[n / 100, 0.25 * (n / 100) ** 2] for n in range(1, 101)],
    "intervals": {
        "answer@1": [0.52, 0.7],
        "auroc": [0.86, 0.95],
        "recall": [0.84, 0.92],
        **{
            f"{method}.{name}": [max(0, value - 0.06), min(1, value + 0.05)]
            for method, base in (("hybrid", 0.812), ("dense", 0.74), ("terms", 0.7655))
            for name, value in measures(base).items()
        },
    },
    "kinds": {
        kind: {
            "questions": 7 + 6 * n,
            "recall@1": 0.5 + 0.05 * n,
            "recall@5": 0.7 + 0.04 * n,
            "ndcg@10": 0.66 + 0.04 * n,
            "answer@1": 0.5,
            "answer@3": 0.8,
            "intervals": {
                "recall@1": [0.35 + 0.05 * n, 0.65 + 0.05 * n],
                "recall@5": [0.6 + 0.04 * n, 0.78 + 0.04 * n],
            },
        }
        for n, kind in enumerate(KINDS)
    },
    "abstention": {
        "answerable": {"questions": 90, "answered": 0.97, "interval": [0.93, 0.99], "sure": 0.8},
        "near": {"questions": 40, "answered": 0.62, "interval": [0.48, 0.75], "sure": 0.2},
        "far": {"questions": 50, "answered": 0.04, "interval": [0, 0.1], "sure": 0},
    },
    "reliability": [
        {
            "low": n / 10,
            "high": (n + 1) / 10,
            "questions": size,
            "confidence": n / 10 + 0.05,
            "answerable": min(1, max(0, n / 10 + 0.05 + (-1) ** n * 0.06)),
        }
        for n, size in enumerate((31, 12, 6, 5, 4, 7, 9, 15, 28, 57))
    ],
    "recall_curve": {
        name: [[k, round(1 - (1 - base) / k**0.7, 4)] for k in range(1, 21)]
        for name, base in (("hybrid", 0.7), ("dense", 0.58), ("terms", 0.64))
    },
    "latency_ms": {
        "search": {"p50": 8.21, "p95": 14.9, "questions": 126},
        "ask": {"p50": 96.2, "p95": 171.03, "questions": 126},
    },
    "empty": {"hybrid": [], "terms": ["q-017", "q-044"]},
    "warnings": ["3 notes were skipped.", "The index was built with other settings than these."],
    "questions": [
        {"id": "q-000", "question": "Found?", "kind": "fact", "missed": None},
        missed(1, "composer"),
        missed(2, "fusion", "definition"),
        missed(3, "fusion", answered=False),
        missed(4, "chunking", "a kind of question with a long name"),
    ],
}

EVERY_SECTION = [
    "measured",
    "warnings",
    "retrieval",
    "answers",
    "chunking",
    "kinds",
    "recall",
    "confidence",
    "abstention",
    "latency",
    "missed",
]


def with_text(value, text):
    """The document with the text in place of every string in it, and added to the names."""
    if isinstance(value, dict):
        own = {"settings", "index", "kinds", "methods", "recall_curve", "abstention", "latency_ms"}
        return {
            key: {f"{name}{text}": with_text(each, text) for name, each in inner.items()}
            if key in own
            else with_text(inner, text)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [with_text(each, text) for each in value]
    return text if isinstance(value, str) else value


@cache
def plain_page():
    return Page(report_page(with_text(SAMPLE, "a")))


def test_a_full_document_gives_every_section_in_order():
    assert Page(report_page(SAMPLE)).sections == EVERY_SECTION


def test_every_element_is_closed_in_its_turn():
    page = Page(report_page(SAMPLE))
    assert page.open == []
    assert page.unbalanced == []


def test_the_same_document_gives_the_same_page():
    assert report_page(SAMPLE) == report_page(copy.deepcopy(SAMPLE))


def test_the_document_is_not_changed():
    document = copy.deepcopy(SAMPLE)
    report_page(document)
    assert document == SAMPLE


def test_nothing_is_fetched_and_nothing_runs():
    source = report_page(SAMPLE)
    page = Page(source)
    assert "://" not in source
    assert not {"script", "link", "img", "iframe", "object", "use", "image"}.intersection(page.tags)
    assert not re.search(r"@import|url\(|expression\(", "".join(page.styles))
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "style", "srcset", "action", "xlink:href"}
        assert name != "href" or value.startswith("#")


def test_the_policy_comes_before_anything_it_could_forbid():
    source = report_page(SAMPLE)
    policy = source.index("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "Content-Security-Policy" in source
    assert policy < source.index("<style")


def test_links_lead_to_places_on_the_page():
    page = Page(report_page(SAMPLE))
    ids = [value for _, name, value in page.attributes if name == "id"]
    links = [value for _, name, value in page.attributes if name == "href"]
    assert len(ids) == len(set(ids))
    assert links == [f"#{name}" for name in ids]


def test_headings_leave_out_no_level_and_tables_are_named():
    page = Page(report_page(SAMPLE))
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.tags.count("caption") == page.tags.count("table") > 0
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == page.tags.count("th")


def test_charts_are_images_with_a_name():
    page = Page(report_page(SAMPLE))
    roles = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    named = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    hidden = [
        tag for tag, name, value in page.attributes if (name, value) == ("aria-hidden", "true")
    ]
    assert roles == ["img"] * 4
    assert len(named) == 4
    assert page.tags.count("svg") == 4 + len(hidden)


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("warnings", ["warnings", "empty"]),
        ("retrieval", ["methods"]),
        ("answers", ["answer@1", "answer@2", "answer@3"]),
        ("chunking", ["recall", "precision", "precision_omega", "iou"]),
        ("kinds", ["kinds"]),
        ("recall", ["recall_curve"]),
        ("confidence", ["auroc", "ece", "aurc", "risk_coverage", "reliability"]),
        ("abstention", ["abstention"]),
        ("latency", ["latency_ms"]),
        ("missed", ["questions"]),
    ],
)
def test_a_section_without_data_is_left_out(section, keys):
    others = [each for each in EVERY_SECTION if each != section]
    left = {key: value for key, value in SAMPLE.items() if key not in keys}
    assert Page(report_page(left)).sections == others
    nothing = {key: None if isinstance(SAMPLE[key], float) else type(SAMPLE[key])() for key in keys}
    empty = SAMPLE | nothing
    assert Page(report_page(empty)).sections == others


def test_the_smallest_document_gives_a_page():
    assert Page(report_page({"dataset": "scifact", "mode": "beir", "queries": 3})).sections == [
        "measured"
    ]
    assert Page(report_page({})).unbalanced == []


def test_the_best_method_of_each_measure_is_marked():
    methods = {"hybrid": {"ndcg@10": 0.5, "mrr@10": 0.3}, "terms": {"ndcg@10": 0.4, "mrr@10": 0.6}}
    source = report_page({"methods": methods})
    assert re.findall(r'<strong class="best">([0-9.]+)<', source) == ["0.500", "0.600"]


@pytest.mark.parametrize("other", [{}, {"terms": {}}, {"terms": {"ndcg@10": math.nan}}])
def test_one_method_alone_is_not_called_the_best(other):
    assert "<strong" not in report_page({"methods": {"hybrid": {"ndcg@10": 0.5}} | other})


def test_every_bar_and_every_interval_is_drawn():
    page = Page(report_page({"kinds": SAMPLE["kinds"]}))
    classes = [value for _, name, value in page.attributes if name == "class"]
    assert classes.count("bar") == classes.count("ci") == 2 * len(KINDS)


def test_every_bin_has_a_dot_and_its_number_of_questions():
    page = Page(report_page({"reliability": SAMPLE["reliability"]}))
    assert page.tags.count("circle") == len(SAMPLE["reliability"])
    labels = [value for tag, _, value in page.attributes if tag == "text" and value == "label"]
    assert len(labels) == len(SAMPLE["reliability"])


def test_a_partial_run_says_so():
    assert "Partial" in Page(report_page(SAMPLE)).text
    assert "Partial" not in Page(report_page(SAMPLE | {"partial": False})).text


def test_intervals_stand_beside_their_numbers():
    text = Page(report_page(SAMPLE)).text
    assert "0.520–0.700" in text
    assert "0.350–0.650" in text


def test_the_expected_quote_is_marked_where_a_passage_holds_it():
    source = report_page(SAMPLE | {"questions": [missed(1, "composer")]})
    assert source.count("<mark>| k1 | 1.2 | saturation of term frequency |</mark>") == 1


def test_a_part_that_was_not_among_the_candidates_says_so():
    page = Page(report_page(SAMPLE | {"questions": [missed(1, "fusion")]}))
    assert page.text.count("not found") == 2


def test_many_misses_are_counted_but_not_all_shown():
    questions = [missed(n, "fusion") for n in range(230)]
    page = Page(report_page({"questions": questions}))
    assert page.tags.count("details") == 200
    assert "30 more are not shown" in page.text
    assert "230" in page.text


@pytest.mark.parametrize("nothing", [math.nan, math.inf, None])
def test_numbers_that_are_none_are_shown_as_none(nothing):
    def without(value):
        if isinstance(value, dict):
            return {key: without(each) for key, each in value.items()}
        if isinstance(value, list):
            return [without(each) for each in value]
        return nothing if isinstance(value, (int, float)) and value is not True else value

    source = report_page(without(SAMPLE))
    assert Page(source).unbalanced == []
    assert not re.search(r"\b(nan|inf|None)\b", Page(source).text, flags=re.IGNORECASE)


HOSTILE = st.lists(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "</style><b>",
            "</title></svg><img src=x onerror=y>",
            '"onload="z',
            "'",
            "&lt;",
            "&#60;",
            "]]>",
            "<!--",
            "{{ id }}",
            "\x00",
            "\x1b[31m",
            "\u202e",
            "\ud800",
            "\uffff",
            "\r\n",
            "a",
        ]
    ),
    min_size=1,
    max_size=5,
).map("".join)


@trying(25)
@given(HOSTILE | st.text(alphabet=st.characters(), min_size=1, max_size=20))
def test_text_from_the_document_is_never_markup(text):
    source = report_page(with_text(SAMPLE, text))
    page, plain = Page(source), plain_page()
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert page.styles == plain.styles
    assert page.unbalanced == []
    assert not UNSAFE.search(source)
    source.encode("utf-8")


def test_no_template_says_that_something_is_safe_to_leave_unescaped():
    templates = files("ragqa.render").joinpath("templates")
    sources = {each.name: each.read_text("utf-8") for each in templates.iterdir()}
    assert {"report.html.jinja", "report.css"} < set(sources)
    for source in sources.values():
        assert not re.search(r"\bsafe\b|autoescape|forceescape", source)
    assert not re.search("[{][{%#]", sources["report.css"])


def quoted(number, *, good=True, **changes):
    question = {
        "id": f"x-{number:03}",
        "question": "How are figs dried?",
        "kind": "how-to",
        "answerable": True,
        "ranks": {"hybrid": [1], "dense": [2], "terms": [1]},
        "confidence": 0.7,
        "answered": True,
        "sure": True,
        "good": good,
        "coverage": 0.75 if good else 0.25,
        "noise": 0.125,
        "cited": [
            {"path": "figs.md", "lines": [4, 4], "chars": [20, 60], "quote": "Lay them out."}
        ],
        "marked": [
            {
                "path": "figs.md",
                "lines": [1, 6],
                "pieces": [
                    {"mark": "", "text": "# Figs\n\n"},
                    {"mark": "wanted", "text": "Wash them. "},
                    {"mark": "both", "text": "Lay them out."},
                    {"mark": "cited", "text": "\nFigs are old."},
                ],
            }
        ],
        "missed": None,
    }
    if not good:
        question["missed"] = {
            "stage": "composer",
            "expected": [
                {"path": "figs.md", "lines": [3, 3], "quote": "Wash them. Lay them out.", "part": 1}
            ],
            "found": [],
            "said": [],
        }
    return question | changes


EXCERPTS = {
    "dataset": "figs",
    "mode": "excerpts",
    "queries": 2,
    "good": 0.5,
    "coverage": 0.5,
    "noise": 0.125,
    "intervals": {"good": [0.1, 0.9], "coverage": [0.2, 0.8], "noise": [0.05, 0.2]},
    "kinds": {
        "how-to": {
            "questions": 2,
            "recall@1": 1.0,
            "recall@5": 1.0,
            "ndcg@10": 1.0,
            "good": 0.5,
            "coverage": 0.5,
            "intervals": {"good": [0.1, 0.9], "coverage": [0.2, 0.8]},
        }
    },
    "questions": [quoted(1, good=False), quoted(2), {"id": "n", "question": "?", "missed": None}],
}


def test_answers_that_are_good_and_those_that_are_not_have_a_section_each():
    page = Page(report_page(EXCERPTS))
    assert page.sections == ["measured", "answers", "kinds", "missed", "good"]
    assert "0.100–0.900" in page.text
    assert page.unbalanced == []


def test_what_was_wanted_and_what_was_cited_are_marked_in_the_notes_own_text():
    source = report_page({"questions": [quoted(1, good=False)]})
    assert (
        '# Figs\n\n<mark class="wanted">Wash them. </mark>'
        '<mark class="both">Lay them out.</mark><mark class="cited">\nFigs are old.</mark>'
    ) in source
    text = Page(source).text
    for meaning in ("wanted and cited", "wanted, not cited", "cited, not wanted"):
        assert meaning in text
    assert "coverage 0.25, noise 0.12" in text
    assert "figs.md:1-6" in text


def test_an_answer_that_was_not_given_has_no_number_for_its_noise():
    text = Page(report_page({"questions": [quoted(1, good=False, noise=None)]})).text
    assert "noise –" in text


def test_many_good_answers_are_counted_but_not_all_shown():
    page = Page(report_page({"questions": [quoted(n) for n in range(230)]}))
    assert page.tags.count("details") == 200
    assert "30 more are not shown" in page.text


@trying(15)
@given(HOSTILE)
def test_text_of_marked_notes_is_never_markup(text):
    document = {"questions": EXCERPTS["questions"]}
    source, plain = report_page(with_text(document, text)), report_page(with_text(document, "a"))
    page, other = Page(source), Page(plain)
    assert (page.tags, page.attributes, page.unbalanced) == (other.tags, other.attributes, [])
    assert not UNSAFE.search(source)
