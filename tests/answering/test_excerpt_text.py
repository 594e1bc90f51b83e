"""An excerpt as plain text, as a reader would have copied it."""

import re
from itertools import chain
from textwrap import dedent

import pytest
from citing import cited
from excerpting import layout_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.excerpt_blocks import Line, blocks_of, excerpt_text
from ragqa.types import Kind, Unit


def said(text, quote="", *, cut=(False, False)):
    """The plain text of a note, or of an excerpt from it."""
    citation = cited(text, quote, cut=cut)
    return excerpt_text(citation.quote, citation.units, citation.chars[0], cut)


def texts(blocks):
    """The texts of blocks: lines, and the cells of tables."""
    for block in blocks:
        yield from [block.text] if isinstance(block, Line) else chain(block.head, *block.rows)


def placed(text, words):
    """What is shown of some words of a note, in each text that shows any."""
    citation = cited(text)
    blocks = blocks_of(citation.quote, citation.units, citation.chars[0])
    span = text.index(words), text.index(words) + len(words)
    places = [(seen, seen.place(span)) for seen in texts(blocks)]
    return [seen.text[slice(*place)] for seen, place in places if place]


def lines(text):
    return dedent(text).strip("\n")


def test_the_sentences_of_a_paragraph_run_on_in_one_line():
    assert said("One is\nwrapped. Two\nis too.\n\nThree.") == (
        "One is wrapped. Two is too.\n\nThree."
    )


def test_marks_that_go_over_several_sentences_leave_nothing():
    assert said("**One. Two.** See [a\n`b` c. D](http://x.y/z).") == "One. Two. See a b c. D."


def test_half_of_what_is_bold_leaves_no_mark():
    assert said("**It is hot. It is red.** Yes.", "**It is hot.") == "It is hot."
    assert said("It is **hot. It is red** Yes.", "It is **hot.") == "It is hot."
    assert said("It is **hot. It is red**, yes.", "It is red**, yes.") == "It is red, yes."
    assert said("Pass **kwargs to it.") == "Pass **kwargs to it."


@pytest.mark.parametrize("end", ["  \n", "\\\n", "<br>\n", "<br/>"])
def test_a_line_ends_where_its_author_wants_it_to(end):
    assert said(f"Main Street 5{end}Bern") == "Main Street 5\nBern"


def test_lists_are_lists():
    text = """
        Buy:

        * milk
          or cream
        * fruit
            * [apples](http://a.b)
            * pears
        - [ ] bread
        - [x] salt
        """
    assert said(dedent(text)) == lines("""
        Buy:

        - milk or cream
        - fruit
          - apples
          - pears
        - (open) bread
        - (done) salt
        """)


def test_numbered_items_keep_their_numbers_and_what_stands_in_them():
    text = """
        1. Stop it:

           ```sh
           stop
             --now
           ```

           Wait a while. Then go on.
        2. Start it.
           - It may hang.
        10) Go.
        """
    assert said(dedent(text)) == lines("""
        1. Stop it:

          stop
            --now

          Wait a while. Then go on.

        2. Start it.
          - It may hang.
        10) Go.
        """)


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("- b\n    - c\n  - d\n- e", "  - b\n    - c\n  - d\n- e"),
        ("- c\n  - d", "  - c\n- d"),
        ("- d\n- e", "  - d\n- e"),
        ("- e\n  1. f", "- e\n  1. f"),
        ("1. f\n  2. g", "1. f\n2. g"),
    ],
)
def test_the_indent_of_the_first_item_is_told_by_those_behind_it(quote, shown):
    text = "- a\n  - b\n    - c\n  - d\n- e\n  1. f\n  2. g\n"
    assert said(text, quote) == shown


def test_a_long_item_of_several_sentences_is_one_item():
    sentences = " ".join(f"This is sentence number {n} of it." for n in range(20))
    citation = cited(f"- {sentences}\n- Short.")
    assert len(citation.units) == 21
    assert said(f"- {sentences}\n- Short.") == f"- {sentences}\n- Short."
    rest = sentences[sentences.index("This is sentence number 3") :]
    assert said(f"- {sentences}\n", rest, cut=(True, False)) == f"\u2026 {rest}"


def test_a_table_is_aligned_below_its_head():
    text = "| Name | | 数量 |\n|---|:-:|--:|\n| **Kiwi** | `a\\|b` | 2<br>3 |\n| 苹果 | |\n"
    assert said(text) == lines("""
        Name |     | 数量
        -----+-----+-----
        Kiwi | a|b | 2 3
        苹果 |     |
        """)


def test_rows_without_their_head_are_pairs_and_an_empty_header_keeps_its_column():
    text = "| | Price | |\n|---|---|---|\n| Kiwi | 2 | fresh |\n| Fig | 3 | |\n|| 4 |\n"
    quote = "| Kiwi | 2 | fresh |\n| Fig | 3 | |\n|| 4 |"
    assert said(text, quote) == "Kiwi; Price: 2; fresh\nFig; Price: 3\nPrice: 4"


def test_code_keeps_its_characters_without_its_fence():
    assert said("Do:\n\n````py\n*a*\n\n```\n  b <br> &amp;\n````\n") == (
        "Do:\n\n*a*\n\n```\n  b <br> &amp;"
    )


def test_code_is_shown_without_the_indent_of_its_block():
    block = "    def f():\n        return 1"
    assert said(f"Do:\n\n{block}\n\nYes.") == "Do:\n\ndef f():\n    return 1\n\nYes."
    assert said(f"{block}\n") == "def f():\n    return 1"
    assert said("> ```\n> a\n>   b\n> ```\n") == "a\n  b"
    assert said("    > a\n") == "> a"


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("a = 1\n    b = 2", "a = 1\nb = 2"),
        ("if b:\n        c()\n    d()", "if b:\n    c()\nd()"),
        ("d()\n```", "d()"),
    ],
)
def test_a_part_of_code_is_shown_without_the_indent_of_its_lines(quote, shown):
    code = "```\nx()\n\n    a = 1\n    b = 2\n\n    if b:\n        c()\n    d()\n```\n"
    start = code.index(quote)
    unit = Unit(Kind.CODE, start, start + len(quote), begins=False)
    assert excerpt_text(quote, [unit], start) == shown


def test_headings_and_front_matter_are_lines():
    front = "---\nowner: [Ann, Bob]\nplace:\n  city: 'Bern'\n---\n"
    assert (
        said(f"{front}# Title {{#1-top}}\n\nText\n====\n\nEnd.\n")
        == "owner: Ann, Bob\nplace: city: Bern\n\nTitle\n\nText\n\nEnd."
    )


@pytest.mark.parametrize(
    ("quote", "cut", "shown"),
    [
        ("One.", (False, True), "One. \u2026"),
        ("Two.", (True, False), "\u2026 Two."),
        ("Two.\n\n- a", (True, True), "\u2026 Two.\n\n- a\n\u2026"),
        ("- b", (True, False), "\u2026\n- b"),
    ],
)
def test_an_ellipsis_says_where_it_is_cut(quote, cut, shown):
    assert said("One. Two.\n\n- a\n- b\n", quote, cut=cut) == shown


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("> [!note] Warm\n> It is.", "Warm\nIt is."),
        ("> [!info|right]-\n> It is.", "It is."),
        ("$$\na\n$$\n> [!hint]\n> It is.", "$$ a $$\n\nIt is."),
        ("> [!note] Warm\n> It is.\n> > [!tip]\n> > So.", "Warm\nIt is.\n\nSo."),
        ("One.\n<!-- no -->\n> [!tip]\n> Two.", "One.\n\nTwo."),
        ('!!! note "Warm"\n    It is.', "Warm\nIt is."),
        ("It is warm. ^abc123", "It is warm."),
        ("- It is warm ^ab-1", "- It is warm"),
        (
            "See [[#Hot air]], [[Air#Hot air]], [[Air#^abc]] and [[Air|it]].",
            "See Hot air, Air > Hot air, Air and it.",
        ),
        (":fontawesome-brands-github: Source :material-star:{ .red }", "Source"),
        ("{{< icon star >}} Warm {{ page.title }} air", "Warm air"),
        ('{% include "a.html" %}\n\nAsk in {% slack_channel "help" %}.', "Ask in help."),
        ("Ask {% channel 'help' 'Ann (#help)' %}.{% image 'a.png' 'b' %}", "Ask Ann (#help)."),
        ('[Mail]({% page "/mail/" %}) us {% comment %}soon{% endcomment %}.', "Mail us ."),
        ('Go [there](http://a.b){:target="_blank"}.\n{: .lead}', "Go there."),
        ("H<sub>2</sub>O, 10<sup>6</sup> &amp;&nbsp;more &lt;b&gt;", "H2O, 10\u2076 & more <b>"),
        ("<details>\n<summary>More</summary>\n\nIt is.\n\n</details>", "More\n\nIt is."),
        (
            "<table>\n<tr><td>a</td><td>b</td></tr>\n<tr>\n<td>c</td>\n<td>d</td></tr>\n</table>",
            "a | b\nc | d",
        ),
        ("<div\n  class='x'\n>\nIt is.\n</div>", "It is."),
        (
            "Run <b>npm install &lt;pkg&gt;</b> or npm rm <pkg>",
            "Run npm install <pkg> or npm rm <pkg>",
        ),
        (
            "Code `{{ x }}`, `[[#a]]` and `<br>` `&nbsp;` `a  b`",
            "Code {{ x }}, [[#a]] and <br> &nbsp; a  b",
        ),
        ("Take $x_i^{{2}}$ and $5 to $6_000", "Take $x_i^{{2}}$ and $5 to $6_000"),
        ("$$a \\\\\nb$$ \\\nor c", "$$a \\\\ b$$\nor c"),
        ("[![build](a.svg)](http://a.b) ![x][y] It is.[^1]", "It is."),
        ("[`a` and **b**](http://a.b 'c') of [x[0]](<d e>)", "a and b of x[ 0 ]"),
        ("https://a.b/_x_/y and a[i] == b == c", "https://a.b/_x_/y and a[i] == b == c"),
        ("- ![a](b.png)\n- It is.", "- It is."),
    ],
)
def test_what_a_reader_does_not_see_leaves_no_litter(markdown, shown):
    assert said(markdown) == shown


@pytest.mark.parametrize("text", ["See [!hint] there.", "A\n[!tip] b"])
def test_what_only_looks_like_a_callout_is_text(text):
    assert said(text) == " ".join(text.split())


def test_a_callout_begins_a_quotation_and_is_text_further_down():
    assert said("> One.\n> [!note] Two.") == "One. [!note] Two."


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("**5 kg**", ["5 kg"]),
        ("2 &nbsp;kg", ["2 kg"]),
        ("[d](http://e.f)", ["d"]),
        ("http://e.f", []),
        ("is\nwrapped", ["is wrapped"]),
        ("- [ ] pears", ["(open) pears"]),
        ("| a | 1 |", ["a", "1"]),
        ("code", ["code"]),
        ("```sh", []),
    ],
)
def test_the_characters_of_a_note_are_found_in_the_text(words, shown):
    text = (
        "It weighs **5 kg** or 2 &nbsp;kg, [d](http://e.f). This is\nwrapped.\n\n"
        "- [ ] pears\n\n| Name | n |\n|--|--|\n| a | 1 |\n\n```sh\ncode\n```\n"
    )
    assert placed(text, words) == shown


WORD = st.text("abcdef\u00e9\u6c49", min_size=1, max_size=7)
WRAPPED = st.sampled_from(
    [
        *("{}", "{}", "**{}**", "*{}*", "_{}_", "`{}`", "=={}==", "[{}](http://1.2/3)"),
        *("<b>{}</b>", "{}<br>", "{}&nbsp;", "{}[^1]", "{}{{.x-1}}", "{{{{ 0 }}}} {}"),
        *("[[#{}]]", "[[9#8|{}]]", "![](1.png) {}", "***{}***", "**`{}`**", "[`{}`](<1>)"),
        *(":mdi-x: {}", "\\*{}\\*", "({})"),
    ]
)


@st.composite
def prose(draw, least=1):
    """Some Markdown of one line or more, and its words."""
    found = draw(st.lists(WORD, min_size=least, max_size=6))
    marked = [draw(WRAPPED).format(word) for word in found]
    gap = draw(st.sampled_from([" ", "\n"]))
    return gap.join(marked) + draw(st.sampled_from([".", "?", ""])), found


def of_line(*forms):
    """A block of one stretch of prose on one line."""
    return st.builds(
        lambda form, said: (form.format(" ".join(said[0].split("\n"))), said[1]),
        st.sampled_from(forms),
        prose(),
    )


def of_several(between, kind, **sizes):
    return st.lists(kind, **sizes).map(
        lambda parts: (between.join(p[0] for p in parts), [w for p in parts for w in p[1]])
    )


ITEMS = of_several("\n", of_line("- {}", "  - {}", "1. {}", "- [1]: {}"), min_size=1, max_size=4)
ROW = of_several(" | ", of_line("{}"), min_size=2, max_size=2)
TABLE = st.lists(ROW, min_size=1, max_size=4).map(
    lambda rows: (
        "\n".join(["| " + rows[0][0] + " |", "|--|--|", *[f"| {row[0]} |" for row in rows[1:]]]),
        [word for row in rows for word in row[1]],
    )
)
CODE = st.lists(WORD, min_size=1, max_size=3).map(
    lambda found: ("```\n" + "\n".join(found) + "\n```", found)
)
PARAGRAPHS = of_several(" ", prose(), min_size=1, max_size=4)
BLOCKS = PARAGRAPHS | ITEMS | TABLE | CODE | of_line("## {}", "> {}", "> [!1] {}")
NOTES = of_several("\n\n", BLOCKS, min_size=1, max_size=5)

UNITS = st.lists(
    st.builds(
        Unit,
        st.sampled_from(sorted(Kind)),
        st.integers(-20, 220),
        st.integers(-20, 220),
        st.text("ab|> ", max_size=8),
    ),
    max_size=6,
)
MARKS = st.text("ab1 \n\t\r|>-*_`#[]()<>!^{}%&;:$\\=~\x1b", max_size=200)


@given(NOTES)
def test_no_word_of_a_note_is_lost_and_none_is_added(note):
    text, expected = note
    assert re.findall(r"[a-f\u00e9\u6c49]+", re.sub("[.?]", " ", said(text))) == expected


@given(
    MARKS | st.text(max_size=200),
    UNITS,
    st.integers(0, 20),
    st.tuples(st.booleans(), st.booleans()),
)
def test_any_text_with_any_units_has_a_text_that_places_fit(quote, units, start, cut):
    assert isinstance(excerpt_text(quote, units, start, cut), str)
    for seen in texts(blocks_of(quote, units, start)):
        for span in [(0, 300), (start, start + 1), *((unit.start, unit.end) for unit in units)]:
            place = seen.place(span)
            assert place is None or seen.text[slice(*place)].strip()


@given(MARKS)
def test_any_note_is_shown_with_no_more_letters_than_it_has(text):
    shown = re.sub(r"\((?:open|done)\)", "", said(text))
    assert sum(map(str.isalnum, shown)) <= sum(map(str.isalnum, text))


def long_row(times=60):
    return f"| Cat | A | B |\n|--|--|--|\n| row | {'x ' * times}| {'y ' * times}|\n| q | r | s |\n"


def test_the_rest_of_a_cut_row_is_not_aligned_below_the_first_columns():
    layout = layout_of(long_row(), window=80, target=60)
    run = 0, len(layout.pieces) - 1
    text = excerpt_text(layout.quote(run), layout.units(run), layout.span(run)[0])
    assert f"\nB: {'y ' * 60}".rstrip() in text
    assert text.endswith("\nCat: q; A: r; B: s")


def test_a_head_cut_in_two_is_one_above_its_rows():
    text = f"| {'h ' * 40}| {'g ' * 40}|\n|--|--|\n| a | b |\n"
    layout = layout_of(text, window=60, target=40)
    run = 0, len(layout.pieces) - 1
    shown = excerpt_text(layout.quote(run), layout.units(run), layout.span(run)[0]).split("\n")
    assert [line.count("|") for line in shown] == [1, 0, 1]


def test_the_mark_of_an_item_is_no_column_of_its_table():
    assert said("- | Name | Price |\n  |---|---|\n  | Kiwi | 2 |\n").startswith("Name | Price\n")
