"""The report is one page that needs nothing else, and in which the document is only text."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ragqa.render.evaluations import print_evaluation, report_page

VOID = {"meta", "br", "hr", "img", "input", "link"}
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Page(HTMLParser):
    """What a browser would see: the elements, their attributes and the text."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
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


def missed(number, **changes):
    wanted = [
        {"path": "retrieval/bm25.md", "lines": [10, 10], "quote": "| k1 | 1.2 |", "part": 1},
        {"path": "tuning.md", "lines": [31, 33], "quote": "Start at 1.2.", "part": 2},
    ]
    found = {"path": "b.md", "lines": [3, 5], "heading": ["Other"], "text": "Short.\n\nVery short."}
    question = {
        "id": f"q-{number:03}",
        "question": "Which value of k1 does the comparison recommend?",
        "kind": "table",
        "ranks": {"hybrid": [7, None], "dense": [11, None], "terms": [1, 17]},
        "missed": {"stage": "fusion", "expected": wanted, "found": [found]},
    }
    return question | changes


NOT_GOOD = missed(
    3,
    good=False,
    coverage=0.25,
    cited=[{"path": "figs.md", "lines": [1, 6], "chars": [0, 13], "quote": "Figs are old."}],
    also=[{"path": "dry.md", "lines": [2, 2], "chars": [9, 22], "quote": "Lay them out."}],
)
SAMPLE = {
    "dataset": "questions",
    "mode": "questions",
    "queries": 126,
    "partial": False,
    "settings": {"embedder": "all-MiniLM-L6-v2", "passage_tokens": 200},
    "index": {"embedder": "all-MiniLM-L6-v2", "notes": 53, "passages": 900},
    "methods": {
        "hybrid": {"ndcg@10": 0.812, "recall@5": 0.87},
        "dense": {"ndcg@10": 0.74, "recall@5": 0.8},
    },
    "shown@1": 0.61,
    "shown@3": 0.8,
    "words@3": 91.4,
    "intervals": {"hybrid.ndcg@10": [0.75, 0.86], "shown@1": [0.52, 0.7]},
    "kinds": {"fact": {"questions": 7, "recall@5": 0.7, "intervals": {"recall@5": [0.6, 0.78]}}},
    "abstention": {},
    "warnings": ["3 notes were skipped."],
    "questions": [
        {"id": "q-000", "question": "Found?", "kind": "fact", "missed": None},
        missed(1),
        NOT_GOOD,
    ],
}

# What is not free text, but names that ragqa gave.
NAMES = {"stage"}


def with_text(value, text):
    """The document with the text in place of every string that is not a name of ragqa's."""
    if isinstance(value, dict):
        return {key: each if key in NAMES else with_text(each, text) for key, each in value.items()}
    if isinstance(value, list):
        return [with_text(each, text) for each in value]
    return text if isinstance(value, str) else value


def test_the_page_has_every_measure_and_the_terminal_the_share_of_three(capsys):
    print_evaluation(SAMPLE | {"wrong": 0.104})
    text = Page(report_page(SAMPLE)).text
    shares = re.findall("(?m)^(\\w.*?)  +(\\d+%)", capsys.readouterr().out)
    assert shares == [("found", "87%"), ("good", "61%"), ("wrong when sure", "10%")]
    assert "0.812 [0.750, 0.860]" in text
    assert "91 words" in text


def test_what_was_not_measured_is_left_out():
    page = Page(report_page(SAMPLE | {"methods": {}, "kinds": {}, "warnings": [], "questions": []}))
    assert "details" not in page.tags
    assert "recall" not in page.text
    assert "failed" not in page.text


def test_nothing_is_fetched_and_nothing_runs_and_a_policy_before_all_forbids_it():
    source = report_page(SAMPLE)
    page = Page(source)
    assert "://" not in source
    assert not {"script", "link", "img", "iframe", "object", "use", "image"}.intersection(page.tags)
    assert not re.search(r"@import|url\(|expression\(", "".join(page.styles))
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "style", "srcset", "action", "xlink:href"}
        assert name != "href" or value.startswith("#")
    policy = source.index("default-src 'none'; style-src 'unsafe-inline'")
    assert "Content-Security-Policy" in source[:policy]
    assert policy < source.index("<style")


def test_a_question_that_failed_says_which_stage_lost_it_and_what_was_wanted_and_shown():
    text = Page(report_page(SAMPLE | {"questions": [NOT_GOOD]})).text
    assert "Lost by ranking. Rank: by meaning 11 and none, by words 1 and 17" in text
    order = ["Wanted", "bm25.md:10", "| k1 | 1.2 |", "tuning.md:31-33", "Start at 1.2."]
    order += ["Cited", "figs.md:1-6", "Figs are old.", "Also shown", "Lay them out."]
    places = [text.index(part) for part in (*order, "Found", "Very short.")]
    assert places == sorted(places)


def test_many_failed_questions_are_counted_but_not_all_shown():
    page = Page(report_page(SAMPLE | {"questions": [missed(n) for n in range(230)]}))
    assert page.tags.count("details") == 200
    assert "30 more are not shown" in page.text
    assert "230" in page.text


MARKUP = [
    *("<script>alert(1)</script>", "</style><b>", "</title></svg><img src=x onerror=y>", "<!--"),
    *(
        '"onload="z',
        "'",
        "&lt;",
        "&#60;",
        "]]>",
        "{{ id }}",
        "\x00",
        "\x1b[31m",
        "\u202e",
        "\ud800",
    ),
    *("\uffff", "\r\n", "a"),
]
HOSTILE = st.lists(st.sampled_from(MARKUP), min_size=1, max_size=5).map("".join)


@given(HOSTILE | st.text(alphabet=st.characters(), min_size=1, max_size=20))
def test_text_from_the_document_is_never_markup(text):
    kinds = {f"fact{text}": SAMPLE["kinds"]["fact"]}
    source = report_page(with_text(SAMPLE, text) | {"kinds": kinds})
    page, plain = Page(source), Page(report_page(with_text(SAMPLE, "a")))
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert page.styles == plain.styles
    assert page.unbalanced == []
    assert not UNSAFE.search(source)
    source.encode("utf-8")
