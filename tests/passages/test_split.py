"""Where a note is cut into passages, by example."""

from dataclasses import replace

import pytest
from cases import cases

from ragqa.notes import extraction, format_of, parse_note
from ragqa.passages import Chunking, token_counts
from ragqa.passages.split import split_note
from ragqa.text.shown import unit_words
from ragqa.types import Kind

WINDOW = 256


def words(texts):
    """A tokenizer for which a word is a token, with two special tokens."""
    return [2 + len(text.split()) for text in texts]


def split(text, *, path="folder/a note.md", target=200, window=WINDOW):
    note = parse_note(path, text) if isinstance(text, str) else text
    chunking = Chunking(target_tokens=target)
    return split_note(note, chunking=chunking, window=window, count_tokens=words)


def texts(passages):
    return [passage.text for passage in passages]


def sentence(number, length=20):
    return f"Sentence {number} has {'many ' * (length - 5)}words."


def paragraph(sentences, first=0):
    return " ".join(sentence(first + i) for i in range(sentences))


def test_a_short_note_is_one_passage():
    text = "---\ntags: [a]\ndate: 2024-05-06\n---\n# Title\r\n\r\nOne sentence.\x0bA. \u2028B.\r\n"
    (passage,) = split(text)
    assert passage.text == "# Title\r\n\r\nOne sentence.\x0bA. \u2028B."
    assert (passage.title, passage.heading) == ("Title", ("Title",))
    assert text[passage.start : passage.end] == passage.text
    assert passage.lines == (5, 7)
    assert {unit.kind for unit in passage.units} == {Kind.HEADING, Kind.PARAGRAPH}
    assert (passage.note_sha256, passage.note_date) == ("", "2024-05-06")


@pytest.mark.parametrize("text", ["", " \n\n", "---\ntitle: only front matter\n---\n"])
def test_a_note_without_text_has_no_passages(text):
    assert split(text) == []


@pytest.mark.parametrize(("text", "expected"), cases("sections", "text", "passages"))
def test_a_section_is_a_passage_with_its_headings_and_what_is_joined_or_nested_its_context(
    text, expected
):
    found = [
        [
            " > ".join(passage.heading),
            passage.text.splitlines()[0],
            [unit.context for unit in passage.units if unit.kind is not Kind.HEADING],
        ]
        for passage in split(text)
    ]
    assert found == expected
    assert split(text)[-1].text.endswith(text.rstrip()[-9:])


def test_a_long_section_is_cut_into_passages_of_similar_length():
    passages = split(f"# Top\n\n{paragraph(24)}\n", target=100)
    lengths = token_counts(texts(passages))
    assert len(passages) == 5
    assert max(lengths) < 1.3 * min(lengths)
    assert all(p.heading == ("Top",) for p in passages)


def test_a_section_is_cut_between_paragraphs_rather_than_within_one():
    text = f"{paragraph(4)}\n\n{paragraph(6)}\n\n{paragraph(4)}\n"
    assert texts(split(text, target=100)) == text.strip().split("\n\n")


def test_an_introduction_stays_with_its_list():
    text = f"{paragraph(4)}\n\nThe steps are:\n\n" + "".join(f"- {sentence(i)}\n" for i in range(4))
    passages = split(text, target=90)
    assert len(passages) == 2
    assert passages[1].text.startswith("The steps are:\n\n- Sentence 0")


def test_a_rule_begins_no_passage():
    first, second = split(f"{paragraph(5)}\n\n---\n\n{paragraph(5)}\n", target=100)
    assert first.text.endswith("---")
    assert second.text.startswith("Sentence 0")


def test_a_list_item_is_one_unit_unless_it_is_long():
    passages = split(f"- One. Two. Three.\n- {paragraph(4)}\n")
    units = [unit for p in passages for unit in p.units]
    assert [unit.kind for unit in units] == [Kind.ITEM] * 5
    assert units[0].end - units[0].start == len("- One. Two. Three.")


def test_a_fence_over_the_window_is_cut_between_lines():
    fence = "```python\n" + "x = call(argument)\n" * 300 + "```"
    passages = split(f"# Top\n\n{fence}\n")
    assert len(passages) > 1
    assert passages[0].text.startswith("# Top\n\n```python")
    assert all(p.text.endswith(("x = call(argument)", "```")) for p in passages)
    assert {unit.kind for p in passages for unit in p.units} == {Kind.HEADING, Kind.CODE}


def test_a_sentence_over_the_window_is_cut_at_clauses():
    clauses = ", ".join(f"clause {i} of this sentence goes on" for i in range(80))
    passages = split(f"It is so: {clauses}.\n")
    assert len(passages) > 1
    assert all(p.text.endswith(",") for p in passages[:-1])


def test_a_trail_too_long_loses_its_outer_headings_first():
    headings = [f"{'#' * level} Heading {level} {'word ' * 25}" for level in range(1, 6)]
    text = "---\ntitle: The title\n---\n" + "\n\n".join(headings) + f"\n\n{paragraph(3)}\n"
    passages = split(text, window=200)
    assert passages[-1].title == "The title"
    assert [label[:9] for label in passages[-1].heading] == ["Heading 3", "Heading 4", "Heading 5"]
    assert max(words([p.embedded_text for p in passages])) <= 200


def test_a_title_too_long_is_cut_and_one_that_is_not_text_is_made_so():
    title = "word " * 500
    passages = split(f'---\ntitle: "{title}"\n---\n# Top\n\n{paragraph(20)}\n', window=60)
    assert {p.title for p in passages} == {passages[0].title}
    assert passages[0].title.endswith("…")
    assert max(words([p.embedded_text for p in passages])) <= 60
    (passage,) = split(replace(parse_note("a.md", "text"), title="a\udcffb"))
    assert passage.title == "a?b"


def test_a_window_too_small_is_an_error():
    with pytest.raises(ValueError, match="too small"):
        split("text", window=10)


def test_an_id_is_the_same_after_a_rebuild_and_another_in_another_note_or_place():
    text = "---\ntitle: Same\n---\n" + f"## Same\n\n{paragraph(5)}\n\n" * 2
    first, again = split(text), split(text)
    assert first == again
    assert first[0].embedding_key == first[1].embedding_key
    assert first[0].id != first[1].id
    elsewhere = split(text, path="other.md")
    assert not {p.id for p in first} & {p.id for p in elsewhere}
    assert [p.embedding_key for p in first] == [p.embedding_key for p in elsewhere]


def test_an_edit_leaves_the_ids_of_other_sections_alone():
    sections = [f"# Section {i}\n\n{paragraph(5, first=i)}\n\n" for i in range(4)]
    before = split("".join(sections))
    after = split("".join([sections[0], "# New\n\nAn inserted one.\n\n", *sections[1:]]))
    assert {p.id for p in before} < {p.id for p in after}


def rows_of(text, path="note.md"):
    """Each part of a row, as `header: cell` pairs."""
    passages = split(text, path=path, target=30, window=50)
    return [unit_words(unit) for p in passages for unit in p.units if unit.kind is Kind.ROW]


@pytest.mark.parametrize(("path", "text", "parts"), cases("cut_rows", "path", "text", "parts"))
def test_a_row_longer_than_a_passage_is_cut_between_cells_that_keep_their_labels(path, text, parts):
    assert rows_of(extraction.convert(format_of(path), text.encode()).text, path) == parts
