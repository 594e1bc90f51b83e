"""Which units of a passage may answer by themselves."""

from cases import cases
from excerpting import passages_of

from ragqa.answering.sentences import candidates_of
from ragqa.text.words import query_terms
from ragqa.types import Hit, Kind


def candidates(*texts, question=None):
    passages = [p for n, text in enumerate(texts) for p in passages_of(text, f"{n}.md")]
    hits = [Hit(p, score=1.0, dense=0.5, terms=1.0) for p in passages]
    return candidates_of(hits, asked=None if question is None else query_terms(question))


def texts_of(*texts):
    return [one.text for one in candidates(*texts)]


def test_headings_are_no_candidates_nor_lines_that_announce_nothing():
    text = "# Colours\n\nThese are the colours:\n\nRed is warm.\n"
    assert texts_of(text, "# Colours of the house\n") == ["Red is warm."]


def test_a_line_that_announces_code_or_a_table_is_a_candidate():
    code = "# Timer\n\nSet the timer:\n\n```\ntimer 5\n```\n"
    assert texts_of(code)[0] == "Set the timer:"
    table = "# Colours\n\nThese are the colours:\n\n| a |\n|---|\n| red |\n"
    assert texts_of(table) == ["These are the colours:", "a: red"]


def test_a_list_of_references_is_no_answer_unless_there_is_nothing_else():
    paper = "# Colours\n\n## Sources\n\nRed et al., On colour, 1999.\n"
    assert texts_of(paper, "# Red\n\nRed is a warm colour.\n") == ["Red is a warm colour."]
    assert texts_of(paper) == ["Red et al., On colour, 1999."]


PHASES = (
    "# Training\n\nThere are two phases:\n\n"
    "- Pretraining \u2014 the model reads a very large corpus of text and code.\n"
    "- Alignment \u2014 the model learns what people prefer, from their judgements.\n\n"
    "Then it is used.\n"
)


def test_a_line_that_announces_a_list_is_a_candidate_with_its_items():
    first, *rest = candidates(PHASES)
    assert first.unit.kind is Kind.LIST
    assert first.text == "There are two phases: Pretraining; Alignment"
    assert first.quote.endswith("from their judgements.")
    assert first.quote in PHASES
    assert len(rest) == 3
    assert [first.overlaps(one) for one in rest] == [True, True, False]


SERVER = """---
layout: server
desc: .
note: ""
id: redis-7
created: 2024-01-05
status: retired
dueDate: 2026-05-01
reviewers:
  - Ann Berger
price_per_month: 40 euros
ports:
  redis: the default port is 6379
bookmarks:
  - title: The default port of Redis
    url: https://example.org/redis
---

# Server

It stands in the cellar.
"""


@cases("front_matter")
def test_a_key_of_the_front_matter_answers_only_a_question_that_names_it(question, keys):
    found = [one.text for one in candidates(SERVER, question=question)]
    assert found == [*keys, "It stands in the cellar."]


LONG = "```python\nimport net\n\n\nsizes = [3, 4]\nbatch_size = 20\n\n" + "step()\n" * 12 + "```\n"


def test_a_long_block_of_code_answers_by_the_parts_between_its_blank_lines():
    assert texts_of(f"# Code\n\nIt trains.\n\n{LONG}")[1:] == [
        "```python\nimport net",
        "sizes = [3, 4]\nbatch_size = 20",
        "step()\n" * 12 + "```",
    ]
