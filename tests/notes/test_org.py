"""Org: what of a file is text, and of which kind."""

import pytest
from saying import blocks_said

from ragqa.notes import parse_note
from ragqa.notes.formats import FORMATS
from ragqa.types import Kind, Link, Stamp


def document_of(text):
    return FORMATS["org"].convert(text.encode())


def parse(text):
    return parse_note("file.org", document_of(text), "", Stamp(0, 0))


def said(text):
    return blocks_said(parse(text), without=[Kind.COMMENT, Kind.STRUCK, Kind.RULE])


def words(text):
    return [shown for _, shown in said(text)]


def test_a_heading_loses_its_state_priority_and_tags():
    (heading,) = parse("*** TODO [#A] Call /Ann/ :work:urgent:\n").blocks
    assert (heading.kind, heading.level, heading.label) == (Kind.HEADING, 3, "Call Ann")
    assert parse("* DONE Plan :a:b:\n").tags == ("a", "b")


def test_every_line_stays_on_its_line():
    text = "* A\n:PROPERTIES:\n:ID: 1\n:END:\n| b |\n| c |\n|---|\n: d\n- e\n  f\n#+begin_src\ng\n"
    lines = document_of(text + "#+end_src\nh").text.split("\n")
    assert [line.split()[-1:] for line in lines[:11]] == [
        ["A"], [], [], [], ["|"], ["|"], ["|"], ["d"], ["e"], ["f"], ["```"]
    ]  # fmt: skip
    assert lines[11:] == ["g", "```", "h"]


def test_a_list_in_a_list_stays_in_it_however_little_it_is_indented():
    assert document_of("1. one\n  - two\n    three\n").text == "1. one\n   - two\n     three\n"


def test_title_date_and_tags_come_from_keywords():
    note = parse("#+TITLE: My *notes*\n#+DATE: <2024-02-03 Sat>\n#+FILETAGS: :a:b:\nText.\n")
    assert (note.title, note.date, note.tags) == ("My notes", "2024-02-03", ("a", "b"))
    assert [note.text[b.start : b.end] for b in note.blocks] == ["Text."]


def test_the_title_is_the_first_heading_at_the_top_else_the_name_of_the_file():
    assert parse("* One\n* Two\n").title == "One"
    assert parse("** Two\n").title == "file"


def test_links_emphasis_and_code_are_shown_without_their_marks():
    text = "See [[file:a.org::*H][the plan]], [[x:y]]: *bold*, /it/, =a_b_c= and ~f(x)~[fn:1].\n"
    assert words(text) == ["See the plan, x:y: bold, it, a_b_c and f(x)."]
    assert parse(text).links == (Link("a.org", wiki=False),)


def test_lists_have_levels_boxes_terms_and_the_lines_below_them():
    text = "Buy:\n- [ ] milk\n  and bread\n- [X] eggs\n  + brown :: from hens\n1. one\n"
    assert said(text) == [
        (Kind.PARAGRAPH, "Buy:"),
        (Kind.ITEM, "Buy: (open) milk and bread"),
        (Kind.ITEM, "Buy: (done) eggs"),
        (Kind.ITEM, "brown: from hens"),
        (Kind.ITEM, "one"),
    ]
    assert [b.level for b in parse(text).blocks] == [0, 1, 1, 2, 1]


def test_a_table_has_a_header_if_a_rule_follows_its_first_row():
    text = "| Name | Age |\n|------+-----|\n| Ann  | 7   |\n#+TBLFM: $2=1\n"
    assert said(text)[1:] == [(Kind.ROW, "Name: Ann; Age: 7")]
    assert said("|---|\n" + text)[1:] == [(Kind.ROW, "Name: Ann; Age: 7")]
    assert words("| Ann | 7 |\n| Bob | 8 |\n")[1:] == ["Ann; 7", "Bob; 8"]


@pytest.mark.parametrize(
    "code",
    [
        "#+begin_src python :results x\ndef f(): *no*\n#+end_src\n",
        "  #+BEGIN_EXAMPLE\n  | a |\n  #+END_EXAMPLE\n",
        ": fixed width\n: * no heading\n",
    ],
)
def test_blocks_of_code_are_code(code):
    (block,) = parse(code).blocks
    assert block.kind is Kind.CODE


def test_a_quotation_is_text_without_its_marks():
    assert said("#+begin_quote\nTo dig.\n#+end_quote\n") == [(Kind.PARAGRAPH, "To dig.")]


@pytest.mark.parametrize(
    "hidden",
    [
        ":PROPERTIES:\n:ID: 1\n:END:\n",
        "# a comment\n",
        "#+begin_comment\nno\n#+end_comment\n",
        "#+STARTUP: overview\n",
        "+struck out+\n",
    ],
)
def test_what_a_reader_does_not_see_is_no_text(hidden):
    assert words(f"Before.\n\n{hidden}\nAfter.\n") == ["Before.", "After."]


def test_an_unclosed_drawer_or_block_hides_nothing():
    assert words(":PROPERTIES:\n\nText.\n") == ["Text."]
    assert words(":RESULTS:\nText.\n:END:\n") == ["Text."]
    assert words("#+begin_src\n\nText.\n* Next\n#+end_src\n") == ["Text.", "Next"]


def test_planning_is_text():
    assert words("* Plan\nDEADLINE: <2024-05-02 Thu>\n") == ["Plan", "DEADLINE: 2024-05-02 Thu"]


def test_the_section_of_a_comment_heading_is_left_out():
    text = "* Top\nOne.\n** COMMENT Draft\nTwo.\n*** Below\nThree.\n** TODO COMMENT More\nFour.\n"
    text += "** COMMENTS\nFive.\n** Open\nSix.\n* TODO [#A] COMMENT\n#+TITLE: Seven\n"
    assert words(text) == ["Top", "One.", "COMMENTS", "Five.", "Open", "Six."]
    assert document_of(text).text.count("\n") == text.count("\n")
    assert not parse(text).title.startswith("Seven")


def test_a_row_of_alignments_is_no_row():
    assert said("| <l> | <r10> |\n| Fish | Count |\n|---+---|\n| eel | <71> x |") == said(
        "|---+---|\n| Fish | Count |\n|---+---|\n| eel | <71> x |"
    )
    assert said("| Fish | Count |\n| | <r> |\n| eel | 71 |") == said(
        "| Fish | Count |\n|---+---|\n| eel | 71 |"
    )
