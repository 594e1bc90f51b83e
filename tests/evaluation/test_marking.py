from dataclasses import dataclass

from hypothesis import assume, given
from hypothesis import strategies as st

from ragqa.evaluation.excerpts import AROUND, Excerpt, Mark, Piece, mark


@dataclass(frozen=True)
class Quote:
    path: str
    chars: tuple[int, int]
    quote: str


def marked(text, wanted=(), cited=()):
    """One note marked; what is wanted and cited are (first character, the one after the last)."""
    excerpts = [Excerpt("a.md", start, text[start:end]) for start, end in wanted]
    quotes = [Quote("a.md", (start, end), text[start:end]) for start, end in cited]
    return mark(excerpts, quotes, {"a.md": text}.get)


def pieces(text, wanted=(), cited=()):
    [one] = marked(text, wanted, cited)
    return [(str(piece.mark), piece.text) for piece in one.pieces]


def test_what_is_wanted_cited_and_both_are_told_apart():
    assert pieces("one two three four", [(4, 13)], [(8, 18)]) == [
        ("", "one "),
        ("wanted", "two "),
        ("both", "three"),
        ("cited", " four"),
    ]


def test_white_space_between_two_citations_is_as_they_are():
    assert pieces("one two three", [(0, 13)], [(0, 3), (4, 7)]) == [
        ("both", "one two"),
        ("wanted", " three"),
    ]


def test_lines_are_those_of_what_is_shown():
    lines = "".join(f"line {n} {'x' * 60}\n" for n in range(1, 41))
    at = lines.index("line 20 ")
    [one] = marked(lines, [(at, at + 7)])
    text = "".join(piece.text for piece in one.pieces)
    assert text.splitlines()[0].startswith(f"line {one.lines[0]} ")
    assert text.splitlines()[-1].startswith(f"line {one.lines[1]} ")
    assert 15 < one.lines[0] < 20 < one.lines[1] < 25


def test_places_far_apart_are_shown_each_with_what_is_around_it():
    text = "gold " + "x y " * 500 + "noise"
    first, second = marked(text, [(0, 4)], [(len(text) - 5, len(text))])
    assert first.pieces[0] == Piece(Mark.WANTED, "gold")
    assert second.pieces[-1] == Piece(Mark.CITED, "noise")
    assert len("".join(piece.text for piece in first.pieces)) <= 5 + AROUND


def test_notes_with_what_was_wanted_come_first_and_those_that_are_gone_are_left_out():
    notes = {"a.md": "aaa", "b.md": "bbb"}
    wanted = [Excerpt("b.md", 0, "bbb"), Excerpt("gone.md", 0, "x")]
    cited = [Quote("a.md", (0, 3), "aaa"), Quote("b.md", (0, 1), "b")]
    found = mark(wanted, cited, notes.get)
    assert [one.path for one in found] == ["b.md", "a.md"]


# Each character that is no white space stands once, so that what is shown stands in one place.
texts = st.lists(st.sampled_from("x  \n"), min_size=1, max_size=900).map(
    lambda some: "".join(chr(0x4E00 + n) if c == "x" else c for n, c in enumerate(some))
)


@st.composite
def cases(draw):
    text = draw(texts)
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 60)).map(
        lambda one: (one[0], min(len(text), sum(one)))
    )
    return text, draw(st.lists(spans, max_size=3)), draw(st.lists(spans, max_size=3))


@given(cases())
def test_pieces_are_the_notes_own_characters_and_say_of_each_what_it_is(case):
    text, wanted, cited = case
    seen = set()
    for one in marked(text, wanted, cited):
        shown = "".join(piece.text for piece in one.pieces)
        assume(shown.strip())
        at = text.index(shown)
        assert one.lines[0] == text.count("\n", 0, at) + 1
        for piece in one.pieces:
            for place, character in enumerate(piece.text, at):
                if not character.isspace():
                    assert piece.mark == _mark_at(place, wanted, cited), (place, one)
            seen |= set(range(at, at + len(piece.text)))
            at += len(piece.text)
        assert all(a.mark != b.mark for a, b in zip(one.pieces, one.pieces[1:], strict=False))
    assert all(place in seen for start, end in (*wanted, *cited) for place in range(start, end))


def _mark_at(place, wanted, cited):
    is_wanted = any(start <= place < end for start, end in wanted)
    is_cited = any(start <= place < end for start, end in cited)
    if is_wanted and is_cited:
        return Mark.BOTH
    return Mark.WANTED if is_wanted else Mark.CITED if is_cited else Mark.NONE
