"""Comments and struck-out text: what is one, and that no other block of a note has any of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.notes import parse_note
from ragqa.types import HIDDEN, Kind, Note, Stamp

HIDDEN_WORD = "swordfish"


def parse(text: str, path: str = "note.md") -> Note:
    return parse_note(path, text, "", Stamp(0, 0))


def shown(text: str, path: str = "note.md") -> list[str]:
    """What can be read of a note, block by block."""
    note = parse(text, path)
    return [text[b.start : b.end] for b in note.blocks if b.kind not in HIDDEN]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("~~4 workers~~ It is now 16", ["It is now 16"]),
        ("~~It is 4.\nOr 5.~~ It is now 16", ["It is now 16"]),
        ("> ~~It is 4.\n> Or 5.~~ It is now 16", [">", "It is now 16"]),
        ("The oven %%check that%% is hot.", ["The oven", "is hot."]),
        ("The oven <!-- check\nthat --> is hot.", ["The oven", "is hot."]),
        ("- ~~done~~\n- open", ["-", "- open"]),
        ("- call ~~Tom~~ Ann", ["- call", "Ann"]),
        ("One.\n\n%%\nTwo.\n\n# Three\n\n- four\n%%\n\nFive.", ["One.", "Five."]),
        ("One.\n\n<!--\nTwo.\n\n- three\n-->\n\nFive.", ["One.", "Five."]),
        ("One.\n<!-- two -->\nThree.", ["One.", "Three."]),
        ("%%\n```\nA fence without an end.\n%%\n\nOne.", ["One."]),
        ("One. <!-- not closed\nTwo.\n\nThree.", ["One.", "Three."]),
        ("One.\n\n<!-- not closed\n\nTwo.", ["One."]),
        ("One.<!---> Two.<!-- --> Three.", ["One.", "Two.", "Three."]),
        ("~~`a ~~ b`~~ c", ["c"]),
        ("%% `x %% y", ["y"]),
    ],
)
def test_what_is_struck_out_or_in_a_comment_is_cut_out_of_its_block(text, left):
    assert shown(text) == left
    assert shown(text, "note.txt")[-1] == left[-1]


@pytest.mark.parametrize(
    "text",
    [
        "Write `~~old~~`, `%%note%%` or `<!-- note -->`.",
        "Write ``a ` ~~old~~``.",
        "```\n~~old~~ %%note%% <!-- note -->\n```",
        "~~~ text\n~~old~~ %%note%% <!-- note -->\n~~~",
        "    <!-- note --> ~~old~~ %%note%%",
        r"It is \~~not\~~ so, \%%nor\%%, \<!-- nor -->.",
        "It takes ~~ 4 days ~~ or so.",
        "About ~5~ or ~~~5~~~ of them.",
        "One %% is a sign.",
        "It is ~~ 4.",
    ],
)
def test_marks_in_code_and_those_that_open_nothing_are_text(text):
    assert "".join(shown(text)) == text


def test_no_label_title_or_link_has_anything_hidden():
    text = (
        "# Plan ~~old~~ new %%draft%%\n\nSteps <!-- soon -->:\n\n- one ~~two~~\n"
        "  - [[a]] %%[[b]]%%\n\n"
        "| a ~~x~~ | b |\n|---|---|\n| 1 | 2 |\n"
    )
    note = parse(text)
    assert note.title == "Plan new"
    assert {block.label for block in note.blocks} == {"Plan new", "", "Steps :"}
    assert note.blocks[-1].labels == ("a", "b")
    assert [link.target for link in note.links] == ["a"]


def test_a_heading_that_is_cut_names_its_section_once():
    note = parse("## Plan ~~old~~ new\n\nText.\n")
    assert [(b.kind, b.label) for b in note.blocks] == [
        (Kind.HEADING, "Plan new"),
        (Kind.STRUCK, ""),
        (Kind.PARAGRAPH, ""),
        (Kind.PARAGRAPH, ""),
    ]


def test_a_comment_that_takes_the_rest_of_a_note_is_told():
    assert "not closed" in parse("One.\n\n<!-- two\n\nThree.\n").warnings[0]
    assert parse("One.\n\n<!-- two -->\n").warnings == ()


PLAIN = st.sampled_from(
    ["Some words.", "# Heading", "- item", "> quote", "| a | b |\n|---|---|\n| 1 | 2 |", "`code`"]
)
HIDING = st.sampled_from(
    [
        f"~~{HIDDEN_WORD}~~",
        f"a ~~{HIDDEN_WORD} and\nmore~~ b",
        f"%%{HIDDEN_WORD}%%",
        f"%%\n# {HIDDEN_WORD}\n\n- {HIDDEN_WORD}\n%%",
        f"<!-- {HIDDEN_WORD} -->",
        f"<!--\n\n{HIDDEN_WORD}\n\n```\n-->",
        f"- a ~~{HIDDEN_WORD}~~ b",
        f"## A ~~{HIDDEN_WORD}~~ %%{HIDDEN_WORD}%%",
        f"| a ~~{HIDDEN_WORD}~~ | b |\n|---|---|\n| %%{HIDDEN_WORD}%% | <!-- {HIDDEN_WORD} --> 2 |",
        f"> %%{HIDDEN_WORD}%% so",
    ]
)


@given(
    pieces=st.lists(PLAIN | HIDING, min_size=1, max_size=12),
    gap=st.sampled_from(["\n\n", "\n\n\n", "\r\n\r\n"]),
    suffix=st.sampled_from(["md", "txt"]),
)
@trying(300)
def test_no_block_title_or_label_has_what_is_hidden(pieces, gap, suffix):
    text = gap.join(pieces)
    note = parse(text, f"note.{suffix}")
    said = [
        *shown(text, note.path),
        note.title,
        *(word for b in note.blocks for word in (b.label, *b.labels)),
    ]
    assert HIDDEN_WORD not in " ".join(said)


@pytest.mark.parametrize(
    "mark", ["~~a ", "%%a ", "<!-- a ", "`a ``b ", "~~", "%% `%%` ", "<% a ", "<%*\n"]
)
def test_a_long_note_of_marks_is_read_at_once(mark):
    text = mark * (200_000 // len(mark))
    pieces = "".join(text[b.start : b.end] for b in parse(text).blocks)
    assert "".join(pieces.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("One.\n\n```dataview\nTABLE swordfish\n```\n\nTwo.", ["One.", "Two."]),
        ("One.\n```dataviewjs\ndv.list()\n\n# No\n```", ["One."]),
        ("> One.\n>\n> ```tasks\n> not done\n> ```\n> Two.", ["> One.", ">", ">", "> Two."]),
        ("One:\n\n```mermaid\na --> b\n```", ["One:", "```mermaid\na --> b\n```"]),
        ("```js\ndataview\n```", ["```js\ndataview\n```"]),
        ("It takes `= this.minutes` minutes.", ["minutes."]),
        ("It takes `$= dv.current().a` long.", ["long."]),
        ("Write `=1` or `a = b`.", ["Write `=1` or `a = b`."]),
        ("One.\n\n<%* tR += 1\n\n# No\n%>\n\nTwo.", ["One.", "Two."]),
        ("Written on <% tp.date.now() %> 3 times.", ["3 times."]),
        ("Less <% than is not a command.", ["Less <% than is not a command."]),
        ("`<% code %>` is shown.", ["`<% code %>` is shown."]),
        ("A <% tag.\n\nOne.\n\nIts end is %>.", ["A <% tag.", "One.", "Its end is %>."]),
        ("- a <% b\n- c %> d", ["- a <% b", "- c %> d"]),
        ("Two.\n<% tp.f(\n  1,\n) %>", ["Two."]),
        ("A <% b, and <% c %> of 3.", ["A <% b, and", "of 3."]),
        ("It says <%* in 1.\n\nOne. %>", ["It says <%* in 1.", "One. %>"]),
        ("<%* of 1\n\nOne. <% a %>", ["<%* of 1", "One."]),
        ("One.\n\n<%-* if (a) {\n\nb() } -%>", ["One."]),
        ("One.\n\n```dataview\nTABLE a\n%%", ["One."]),
    ],
)
def test_what_a_plug_in_shows_in_another_form_is_no_text(text, left):
    found = [one for one in shown(text) if one not in ("It takes", "Written on")]
    assert found == left
    assert parse(text).warnings == ()


def test_in_plain_text_a_plug_in_shows_nothing():
    text = "A tag begins <% and\nends %> later.\n\n<%* one\n\ntwo %>"
    assert "".join("".join(shown(text, "note.txt")).split()) == "".join(text.split())


DRAWING = (
    "---\nexcalidraw-plugin: parsed\n---\n==Switch to EXCALIDRAW VIEW.==\n\n# Excalidraw Data\n\n"
    "{labels}%%\n## Drawing\n```compressed-json\nN4KAkARALg\n```\n%%"
)


def test_of_a_drawing_only_its_labels_are_text():
    labels = "## Text Elements\nIsland 90 x 180 cm ^k3Jd8s2a\n\nSink ^Zx81kqPa\n\n"
    text = DRAWING.format(labels=labels)
    assert shown(text, "Plan.excalidraw.md") == ["Island 90 x 180 cm ^k3Jd8s2a", "Sink ^Zx81kqPa"]
    assert parse(text, "Plan.excalidraw.md").title == "Plan.excalidraw"
    assert parse(text).warnings == ()


def test_a_drawing_without_labels_has_no_text():
    assert shown(DRAWING.format(labels="")) == []


@pytest.mark.parametrize(
    "front", ['title: "How to set excalidraw-plugin: a guide"', "about: |\n  excalidraw-plugin: no"]
)
def test_a_note_that_only_speaks_of_the_key_of_drawings_is_no_drawing(front):
    assert "The stylus." in shown(f"---\n{front}\n---\n# Setup\n\nThe stylus.\n")


def test_a_long_run_of_backticks_is_looked_at_once():
    assert shown("`" * 200_000 + " a " + "` " * 100_000)
