import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.notes import parse_note
from ragqa.types import Note, Stamp


def parse(front: str, body: str = "The body.\n") -> Note:
    return parse_note("name.md", f"---\n{front}\n---\n{body}", "", Stamp(0, 0))


def body_of(note: Note) -> list[str]:
    return [note.text[block.start : block.end] for block in note.blocks]


def test_title_aliases_tags_and_date_are_kept():
    note = parse(
        "title: The title\n"
        "aliases: [One, 'Two, too']\n"
        "tags:\n  - ml/nlp\n  - '#rag'\n  - two words\n"
        "date: 2024-03-01\n"
        "other: {nested: [1, 2]}"
    )
    assert note.title == "The title"
    assert note.aliases == ("One", "Two, too")
    assert note.tags == ("ml/nlp", "rag", "two words")
    assert note.date == "2024-03-01"
    assert note.warnings == ()
    assert body_of(note)[-1] == "The body."


@pytest.mark.parametrize(
    "field",
    [
        "tags: a, b/c, d",
        "tags: a b/c d",
        "tag: '#a #b/c #d'",
        "tags: [a, b/c, d, a, '', null]",
        "Tags: a\ntag: [b/c, d]",
    ],
)
def test_tags_are_written_in_many_ways(field):
    assert parse(field).tags == ("a", "b/c", "d")


def test_aliases_may_be_one_text():
    assert parse("alias: One name, Another").aliases == ("One name", "Another")


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("no", "no"),
        ("2024", "2024"),
        ("12:30:45", "12:30:45"),
        ("1e3", "1e3"),
        ("2024-02-30", "2024-02-30"),
        ("!!python/name:os.system x", "x"),
        ("|\n  two\n  lines", "two lines"),
        ("null", "name"),
        ("~", "name"),
        ("", "name"),
        ("[a, b]", "name"),
        ("{a: b}", "name"),
    ],
)
def test_a_title_is_the_word_as_written(value, title):
    assert parse(f"title: {value}").title == title


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ("date: 2024-1-5", "2024-01-05"),
        ("date: 2024-01-05T10:30:00Z", "2024-01-05"),
        ("date: 2024-01-05 10:30", "2024-01-05"),
        ("date: '2024/01/05'", "2024-01-05"),
        ("created: 2020-01-01\ndate: 2021-01-01", "2021-01-01"),
        ("date: 2021-01-01\nlastmod: 2020-01-01", "2020-01-01"),
        ("lastmod: 2021-01-01\nmodified: 2020-01-01", "2020-01-01"),
        ("modified: 2021-01-01\nupdated: 2020-01-01", "2020-01-01"),
        ("updated:\ncreated: 2020-01-01", "2020-01-01"),
        ("date: 2019-01-01\nlast_modified: 2021-01-01", "2021-01-01"),
        ("created: 2019-01-01\nLast Updated: 2021-01-01", "2021-01-01"),
        ("date created: 2019-01-01\ndate-modified: 2021-01-01", "2021-01-01"),
        ("published: 2022-01-01\ncreated-at: 2021-01-01", "2022-01-01"),
        ("title: none", ""),
    ],
)
def test_the_date_is_that_of_the_last_revision_named(fields, date):
    note = parse(fields)
    assert note.date == date
    assert note.warnings == ()


@pytest.mark.parametrize(
    "value", ["2024-02-30", "yesterday", "05.01.2024", "2024-13-01", "1234567"]
)
def test_a_bad_date_is_warned_of_and_the_next_one_counts(value):
    note = parse(f"updated: {value}\ncreated: 2020-01-01")
    assert note.date == "2020-01-01"
    assert note.warnings == (f"updated is not a date in the form YYYY-MM-DD: {value}",)


@pytest.mark.parametrize(
    "front",
    [
        "\ttitle: x",
        "title: 'x",
        "title: x\n- y",
        "a: &a [x]\nb: *a",
        "a: [" * 5000,
        "a: " + "[" * 30 + "]" * 30,
        "title: \x07",
        "x: " + "y" * 64_001,
    ],
)
def test_broken_front_matter_is_warned_of_and_the_body_still_read(front):
    note = parse(front)
    assert body_of(note) == ["The body."]
    assert note.title == "name"
    (warning,) = note.warnings
    assert warning.startswith("front matter is ignored: ")
    assert len(warning) < 200


def test_a_warning_names_the_line_in_the_note():
    assert parse("tags: x\ntitle: a: b").warnings[0].endswith("(line 3)")


@pytest.mark.parametrize("front", ["- a\n- b", "Just a sentence.", "{{x}}", "[a, b]"])
def test_what_holds_no_key_is_text_with_a_warning(front):
    note = parse(front)
    assert front.split("\n")[0] in note.text[note.blocks[1].start :]
    assert body_of(note)[-1] == "The body."
    assert len(note.warnings) == 1


def test_a_missing_end_leaves_all_of_it_text():
    note = parse_note("name.md", "---\ntitle: x\n\nThe body.\n", "", Stamp(0, 0))
    assert body_of(note) == ["---", "title: x", "The body."]
    assert len(note.warnings) == 1


def test_a_rule_at_the_top_is_no_front_matter():
    note = parse_note("name.md", "---\nA sentence without any end\n", "", Stamp(0, 0))
    assert body_of(note) == ["---", "A sentence without any end"]
    assert note.warnings == ()


@pytest.mark.parametrize(
    "text", ["\n---\ntitle: x\n---\n", " ---\ntitle: x\n---\n", "----\ntitle: x\n----\n"]
)
def test_front_matter_stands_at_the_very_start(text):
    assert parse_note("name.md", text, "", Stamp(0, 0)).title == "name"


@pytest.mark.parametrize(
    "text",
    [
        "---\r\ntitle: x\r\n---\r\ntext",
        "---\rtitle: x\r---\rtext",
        "---  \ntitle: x\n...\ntext",
        "---\n# comment\n\ntitle: x\n--- \ntext",
    ],
)
def test_line_ends_and_closing_dots_are_understood(text):
    note = parse_note("name.md", text, "", Stamp(0, 0))
    assert note.title == "x"
    assert body_of(note) == ["text"]


def test_a_bomb_of_aliases_takes_no_memory():
    levels = "\n".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]" for n in range(12))
    tracemalloc.start()
    try:
        note = parse(f"l0: &l0 [x]\n{levels}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert note.warnings == ("front matter is ignored: it has anchors or aliases",)
    assert peak < 50_000_000


def test_a_huge_number_is_a_text_like_any_other():
    assert parse("title: " + "9" * 50_000).title == "9" * 300


@given(front=st.text(st.sampled_from("ab:-[]{}&*!|>'\"#@\t \n,?%"), max_size=60))
@trying(200)
def test_any_front_matter_leaves_the_body_as_it_is(front):
    assert body_of(parse(front, "\n\nThe body.\n"))[-1].endswith("The body.")


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("Retry policy: what we decided", "Retry policy: what we decided"),
        ("a: b: c", "a: b: c"),
        ("{{title}}", "{{title}}"),
        ("@name", "@name"),
        ("100% {sure}: yes", "100% {sure}: yes"),
    ],
)
def test_a_value_that_is_no_yaml_is_taken_as_text_with_a_warning(title, read):
    note = parse(f"title: {title}\ntags: [work, ops/oncall]\ndate: 2024-05-01")
    assert note.title == read
    assert note.tags == ("work", "ops/oncall")
    assert note.date == "2024-05-01"
    assert len(note.warnings) == 1
    assert body_of(note) == ["The body."]
