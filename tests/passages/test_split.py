"""Where a note is cut into passages, by example."""

from dataclasses import replace

import pytest

from ragqa.notes import format_of, parse_note
from ragqa.passages import Chunking, tokens
from ragqa.passages.split import split_note
from ragqa.text.markdown import plain_text
from ragqa.types import Kind, Stamp

WINDOW = 256


def note_of(text, path="folder/a note.md"):
    return parse_note(path, text, "0" * 64, Stamp(len(text), 0))


def words(texts):
    """A tokenizer for which a word is a token, with two special tokens."""
    return [2 + len(text.split()) for text in texts]


def characters(texts):
    return [2 + len(text) for text in texts]


def split(text, *, target=200, window=WINDOW, count=words):
    chunking = Chunking(target_tokens=target)
    return split_note(note_of(text), chunking=chunking, window=window, count_tokens=count)


def texts(passages):
    return [passage.text for passage in passages]


def sentence(number, length=20):
    return f"Sentence {number} has {'many ' * (length - 5)}words."


def paragraph(sentences, first=0):
    return " ".join(sentence(first + i) for i in range(sentences))


def test_a_short_note_is_one_passage():
    text = "---\ntags: [a]\n---\n# Title\n\nOne sentence. Another.\n"
    (passage,) = split(text)
    assert passage.text == "# Title\n\nOne sentence. Another."
    assert (passage.title, passage.heading) == ("Title", ("Title",))
    assert text[passage.start : passage.end] == passage.text
    assert passage.lines == (4, 6)
    assert [unit.kind for unit in passage.units] == [Kind.HEADING, Kind.PARAGRAPH, Kind.PARAGRAPH]


@pytest.mark.parametrize("text", ["", " \n\n", "---\ntitle: only front matter\n---\n"])
def test_a_note_without_text_has_no_passages(text):
    assert split(text) == []


def test_a_passage_carries_the_note_s_digest_and_date():
    (passage,) = split("---\ndate: 2024-05-06\n---\ntext\n")
    assert (passage.note_sha256, passage.note_date) == ("0" * 64, "2024-05-06")


def test_a_section_is_a_passage_with_its_heading_path():
    text = f"# Top\n\n{paragraph(3)}\n\n## Sub\n\n{paragraph(4)}\n\n# Other\n\n{paragraph(5)}\n"
    passages = split(text)
    assert [p.heading for p in passages] == [("Top",), ("Top", "Sub"), ("Other",)]
    assert [p.text.splitlines()[0] for p in passages] == ["# Top", "## Sub", "# Other"]


def test_a_long_section_is_cut_into_passages_of_similar_length():
    passages = split(f"# Top\n\n{paragraph(24)}\n", target=100)
    lengths = tokens.count(texts(passages))
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


def test_headings_without_text_between_them_stay_together():
    (passage,) = split(f"# Top\n\n## Sub\n\n### Deep\n\n{paragraph(3)}\n")
    assert passage.heading == ("Top", "Sub", "Deep")
    assert passage.text.startswith("# Top\n\n## Sub\n\n### Deep\n\nSentence 0")


def test_headings_at_the_end_of_a_note_join_the_last_section():
    (passage,) = split(f"# Top\n\n{paragraph(3)}\n\n## Empty\n\n## Empty too\n")
    assert passage.text.endswith("## Empty too")
    assert passage.heading == ("Top",)


def test_a_note_of_headings_alone_is_a_passage():
    (passage,) = split("# Top\n\n## Sub\n")
    assert (passage.text, passage.heading) == ("# Top\n\n## Sub", ("Top", "Sub"))


def test_a_heading_without_words_closes_the_sections_below_it():
    note = note_of(f"# Top\n\n## Sub\n\n{paragraph(3)}\n\n## Bare\n\n{paragraph(3)}\n")
    blocks = tuple(replace(b, label="") if b.label == "Bare" else b for b in note.blocks)
    passages = split_note(
        replace(note, blocks=blocks), chunking=Chunking(), window=WINDOW, count_tokens=words
    )
    assert [p.heading for p in passages] == [("Top", "Sub"), ("Top",)]


def test_small_sections_under_one_heading_are_joined_and_keep_their_names_in_the_context():
    text = "# Terms\n\n## A\n\nThe first.\n\n## B\n\nOne is:\n\n- the second\n"
    (passage,) = split(text)
    assert passage.heading == ("Terms",)
    assert passage.text == text.strip()
    assert [u.context for u in passage.units if u.kind is not Kind.HEADING] == [
        "A",
        "B",
        "B: One is:",
    ]


def test_joined_sections_stay_short():
    text = "# Terms\n\n" + "".join(f"## Term {i}\n\n{sentence(i)}\n\n" for i in range(9))
    lengths = tokens.count(texts(split(text)))
    assert 1 < len(lengths) < 9
    assert max(lengths) < 100


def test_small_sections_under_different_headings_are_not_joined():
    text = "# One\n\n## A\n\nThe first.\n\n# Two\n\n## B\n\nThe second.\n"
    assert [p.heading for p in split(text)] == [("One", "A"), ("Two", "B")]


def test_a_small_section_leaves_a_long_neighbour_its_heading():
    text = f"# Top\n\n## Long\n\n{paragraph(8)}\n\n## See also\n\n[[other]]\n"
    assert [p.heading for p in split(text)] == [("Top", "Long"), ("Top", "See also")]


def test_a_rule_begins_no_passage():
    text = f"{paragraph(5)}\n\n---\n\n{paragraph(5)}\n"
    first, second = split(text, target=100)
    assert first.text.endswith("---")
    assert second.text.startswith("Sentence 0")


def test_the_rows_of_a_cut_table_know_its_head():
    rows = "".join(f"| {i} | {'value ' * 10}|\n" for i in range(20))
    passages = split(f"| Number | Value |\n|---|---|\n{rows}", target=100)
    assert len(passages) > 1
    found = [unit for p in passages for unit in p.units if unit.kind is Kind.ROW]
    assert len(found) == 20
    assert {unit.labels for unit in found} == {("Number", "Value")}
    assert passages[0].units[0].kind is Kind.TABLE_HEAD
    assert passages[0].units[1].kind is Kind.ROW


def test_a_list_item_is_one_unit_unless_it_is_long():
    passages = split(f"- One. Two. Three.\n- {paragraph(4)}\n")
    kinds = [(unit.kind, unit.end - unit.start) for p in passages for unit in p.units]
    assert [kind for kind, _ in kinds] == [Kind.ITEM] * 5
    assert kinds[0][1] == len("- One. Two. Three.")


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


def test_a_title_too_long_is_cut():
    title = "word " * 500
    passages = split(f'---\ntitle: "{title}"\n---\n# Top\n\n{paragraph(20)}\n', window=60)
    assert {p.title for p in passages} == {passages[0].title}
    assert passages[0].title.endswith("…")
    assert max(words([p.embedded_text for p in passages])) <= 60


def test_a_title_that_is_not_text_is_made_so():
    note = replace(note_of("text"), title="a\udcffb")
    (passage,) = split_note(note, chunking=Chunking(), window=WINDOW, count_tokens=words)
    assert passage.title == "a?b"


def test_a_window_too_small_is_an_error():
    with pytest.raises(ValueError, match="too small"):
        split("text", window=10)


def test_an_id_is_the_same_after_a_rebuild_and_another_in_another_note():
    text = f"# Top\n\n{paragraph(30)}\n"
    first, again = split(text), split(text)
    assert first == again
    elsewhere = split_note(
        note_of(text, "other.md"),
        chunking=Chunking(target_tokens=200),
        window=WINDOW,
        count_tokens=words,
    )
    assert not {p.id for p in first} & {p.id for p in elsewhere}
    assert [p.embedding_key for p in first] == [p.embedding_key for p in elsewhere]


def test_an_edit_leaves_the_ids_of_other_sections_alone():
    sections = [f"# Section {i}\n\n{paragraph(5, first=i)}\n\n" for i in range(4)]
    before = split("".join(sections))
    after = split("".join([sections[0], "# New\n\nAn inserted one.\n\n", *sections[1:]]))
    assert {p.id for p in before} < {p.id for p in after}


def test_passages_with_equal_text_share_an_embedding_and_differ_in_id():
    section = f"# Same\n\n{paragraph(5)}\n\n"
    first, second = split(section * 2)
    assert first.embedding_key == second.embedding_key
    assert first.id != second.id


@pytest.mark.parametrize("path", ["caf\u00e9.md", "caf\udce9.md", "a\nb.md"])
def test_any_path_has_an_id(path):
    (passage,) = split_note(
        note_of("text", path), chunking=Chunking(), window=WINDOW, count_tokens=words
    )
    assert passage.path == path


def test_lines_are_counted_by_line_feeds():
    text = "one\r\n\r\ntwo\x0bstill two\u2028and here\r\n\r\nfour\n"
    (passage,) = split(text)
    assert passage.lines == (1, 5)


def test_thousands_of_headings_are_as_many_paths():
    text = "".join(f"## Heading {i}\n\n{sentence(i, 60)}\n\n" for i in range(2_000))
    passages = split(text)
    assert len(passages) == 2_000
    assert passages[-1].heading == ("Heading 1999",)


def test_the_settings_are_kept_with_an_index():
    assert Chunking(target_tokens=100).as_mapping() == {"version": 8, "target_tokens": 100}
    assert Chunking().max_tokens == 400
    assert Chunking(target_tokens=1000).max_tokens == 2000


def test_a_nested_item_carries_the_items_above_it_as_context():
    note = note_of("- Anna\n  - dose: 5 mg\n- Bob\n  - dose: 50 mg\n")
    (passage,) = split_note(note, chunking=Chunking(), window=WINDOW, count_tokens=words)
    assert [unit.context for unit in passage.units] == ["", "Anna", "", "Bob"]


def test_the_context_of_a_nested_item_has_no_marks_of_links():
    note = note_of("- **See** [the paper](https://a.b/c) and [[rag/x|RAG]]\n  - it is long\n")
    (passage,) = split_note(note, chunking=Chunking(), window=WINDOW, count_tokens=words)
    assert passage.units[-1].context == "See the paper and RAG"


def rows_of(text, path="note.md", window=50):
    """Each part of a row, as `header: cell` pairs."""
    note = parse_note(path, text, "0" * 64, Stamp(0, 0))
    passages = split_note(
        note, chunking=Chunking(target_tokens=30), window=window, count_tokens=words
    )
    parts = [(p, unit) for p in passages for unit in p.units if unit.kind is Kind.ROW]
    return [plain_text(p.quote(unit), kind=Kind.ROW, labels=unit.labels) for p, unit in parts]


def many(word, times=25):
    return " ".join([word] * times)


HEAD = "| Task | Junior | Senior | | Lead |\n|---|---|---|---|---|\n"


def test_a_row_longer_than_a_passage_is_cut_between_cells_that_keep_their_labels():
    row = f"| Ship | {many('draft')} | {many('sign')} | {many('none')} | {many('spend')} |\n"
    assert rows_of(f"{HEAD}{row}| Test | a | b | c | d |\n") == [
        f"Task: Ship; Junior: {many('draft')}",
        f"Senior: {many('sign')}",
        many("none"),
        f"Lead: {many('spend')}",
        "Task: Test; Junior: a; Senior: b; c; Lead: d",
    ]


def test_each_part_of_a_cell_longer_than_a_passage_has_the_label_of_its_column():
    row = f"| Ship |  | {many('sign', 200)} | {many('none')} | {many('spend')} |\n"
    parts = rows_of(HEAD + row)
    assert len(parts) > 5
    labels = {"Ship": "Task: ", "sign": "Senior: ", "none": "", "spend": "Lead: "}
    for cell in "; ".join(parts).split("; "):
        assert cell.startswith(labels[cell.split()[-1]])


def test_an_escaped_bar_ends_no_cell_of_a_cut_row():
    word = "s\\|n"
    parts = rows_of(f"{HEAD}| Ship | {many(word)} | `{word}` {many(word, 80)} | x | {many('d')} |")
    for cell in "; ".join(parts).split("; "):
        if "s|n" in cell:
            assert cell.startswith(("Junior: ", "Senior: "))
    assert parts[-1].endswith(f"Lead: {many('d')}")


def test_a_cut_row_with_more_cells_than_its_header_has_no_labels():
    parts = rows_of(f"| A | B |\n|---|---|\n| {many('x')} | {many('y')} | {many('z')} |\n")
    assert parts == [many("x"), many("y"), many("z")]


CELLS = ("Ship", many("x"), many("y"))
PAIRS = [f"Task: Ship; Junior: {many('x')}", f"Lead: {many('y')}"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", "> | Task | Junior | Lead |\n> |--|--|--|\n> | {} | {} | {} |\n"),
        ("a.md", "- item\n\n  | Task | Junior | Lead |\n  |--|--|--|\n  | {} | {} | {} |\n"),
        ("a.md", "Task | Junior | Lead\n--|--|--\n{} | {} | {}\n"),
        ("a.txt", "| Task | Junior | Lead |\n|--|--|--|\n| {} | {} | {} |\n"),
        ("a.org", "| Task | Junior | Lead |\n|--+--+--|\n| {} | {} | {} |\n"),
        (
            "a.html",
            "<table>\n<tr><th>Task<th>Junior<th>Lead\n<tr><td>{}\n<td>{}<td>{}</table>",
        ),
    ],
)
def test_the_parts_of_a_row_keep_their_labels_wherever_the_table_stands(path, text):
    document = format_of(path).convert(text.format(*CELLS).encode())
    assert rows_of(document.text, path) == PAIRS


def test_what_follows_a_cut_row_is_in_another_passage():
    text = f"{HEAD}| Ship | {many('x')} | {many('y', 8)} | | z |\n| Test | a | b | c | d |\n"
    note = note_of(text)
    passages = split_note(note, chunking=Chunking(target_tokens=30), window=45, count_tokens=words)
    for passage in passages:
        labels = [unit.labels for unit in passage.units if unit.kind is Kind.ROW]
        assert all(labels[0][: len(one)] == one for one in labels) or len(set(labels)) == 1
    assert passages[-1].units[0].labels == ("Task", "Junior", "Senior", "", "Lead")
