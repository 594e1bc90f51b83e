"""What becomes of a citation when the notes change."""

import hashlib

import pytest
from msgspec.structs import replace
from support import make_answer

from ragqa.config import Settings
from ragqa.errors import UsageError
from ragqa.saved import (
    ANY_NOTE,
    NOWHERE,
    SavedAnswer,
    SavedCitation,
    Standing,
    quoted,
    record_of,
)
from ragqa.types import Corpus
from ragqa.verify import (
    IN_CODE,
    IN_COMMENT,
    NO_NOTE,
    NOT_SAID,
    NOTHING_LIKE_IT,
    STRUCK_OUT,
    TOO_LONG,
    verify,
)

QUOTE = "Requests are retried three times, with a pause of two seconds."
NOTE = f"# Retries\n\nWhat the client does.\n\n{QUOTE} Then it gives up.\n"
OTHER = "# Teas\n\nGreen tea is steeped at eighty degrees.\n"


class Notes:
    """Notes to write, cite and hold citations against."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, path, text):
        """Write a note as it is, line ends included; bytes or text."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def cite(self, path, quote):
        """A citation of a quote in a note as it is now."""
        text = (self.folder / path).read_bytes().decode("utf-8-sig")
        start = text.index(quote)
        first = text.count("\n", 0, start) + 1
        lines = (first, first + quote.count("\n"))
        return SavedCitation(1, path, lines, (start, start + len(quote)), quote)

    def check(self, *citations):
        """What became of the citations."""
        found = verify(
            SavedAnswer("why?", citations),
            Corpus.of(self.folder),
            Settings(max_note_bytes=100_000),
            lambda *_: None,
        )
        for checked in found.checked:
            place = checked.place
            if place is not None:
                text = (self.folder / place.path).read_bytes().decode("utf-8-sig")
                assert text[slice(*place.chars)] == place.text
        return found


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return Notes(folder)


@pytest.fixture
def cited(notes):
    notes.write("a.md", NOTE)
    notes.write("b/tea.md", OTHER)
    return notes.cite("a.md", QUOTE)


def became(notes, *citations):
    return notes.check(*citations).checked[0]


INTACT, MOVED, CHANGED, GONE = Standing
FIVE = NOTE.replace("three", "five")
WRAPPED = NOTE.replace("three times, with", "three times,\nwith")


@pytest.mark.parametrize(
    ("now", "standing", "told"),
    [
        ({}, INTACT, ("a.md", (5, 5), QUOTE)),
        ({"a.md": NOTE.replace("Then", "Never")}, INTACT, ("a.md", (5, 5), QUOTE)),
        ({"a.md": b"\xef\xbb\xbf" + NOTE.encode()}, INTACT, ("a.md", (5, 5), QUOTE)),
        ({"a.md": NOTE.replace("What", "New.\n\nWhat")}, MOVED, ("a.md", (7, 7), QUOTE)),
        ({"a.md": WRAPPED}, MOVED, ("a.md", (5, 6), QUOTE.replace(", with", ",\nwith"))),
        ({"a.md": "", "z/b.md": NOTE}, MOVED, ("z/b.md", (5, 5), QUOTE)),
        ({"a.md": "", "y.md": NOTE, "c.md": NOTE}, MOVED, ("c.md", (5, 5), QUOTE)),
        ({"a.md": "# Retries\n", "b.md": OTHER + QUOTE}, MOVED, ("b.md", (4, 4), QUOTE)),
        ({"a.md": FIVE}, CHANGED, ("a.md", (5, 5), QUOTE.replace("three", "five"))),
        ({"a.md": FIVE, "z.md": NOTE}, CHANGED, ("a.md", (5, 5), QUOTE.replace("three", "five"))),
        ({"a.md": f"Not so: {QUOTE}", "z.md": NOTE}, CHANGED, ("a.md", (1, 1), f"Not so: {QUOTE}")),
        ({"a.md": NOTE.replace(QUOTE, "")}, GONE, NOTHING_LIKE_IT),
        ({"a.md": ""}, GONE, NO_NOTE),
    ],
)
def test_a_citation_stands_moved_changed_or_is_gone(notes, cited, now, standing, told):
    """A note with no text is one that was removed."""
    for path, text in now.items():
        notes.write(path, text)
        if not text:
            (notes.folder / path).unlink()
    checked = became(notes, cited)
    assert checked.standing is standing
    assert checked.is_rewrapped == (now.get("a.md") == WRAPPED)
    if checked.place is None:
        assert checked.reason == told
    else:
        assert (checked.place.path, checked.place.lines, checked.place.text) == told


def test_an_answer_kept_among_the_notes_is_no_source_of_what_it_quotes(notes, cited):
    record = record_of(make_answer(quote=QUOTE))
    notes.write("answers/one.md", f"```text\n{QUOTE}\n```\n\n```json\n{record}\n```\n")
    (notes.folder / "a.md").unlink()
    assert became(notes, cited).standing is GONE


def test_a_quote_over_several_lines_survives_a_change_of_line_ends(notes):
    notes.write("a.md", "# A\n\nOne line of it\nand another.\n")
    cited = notes.cite("a.md", "One line of it\nand another.")
    assert became(notes, cited).standing is INTACT
    notes.write("a.md", "# A\r\n\r\nOne line of it\r\nand another.\r\n")
    assert became(notes, cited).standing is INTACT
    again = notes.cite("a.md", "One line of it\r\nand another.")
    assert became(notes, again).standing is INTACT


@pytest.mark.parametrize("path", ["../secret.md", "/etc/hostname", "a\0.md"])
def test_a_path_that_leads_out_is_gone(notes, cited, path):
    (notes.folder.parent / "secret.md").write_text(NOTE, encoding="utf-8")
    (notes.folder / "a.md").unlink()
    checked = became(notes, replace(cited, path=path))
    assert (checked.standing, checked.reason) == (GONE, NO_NOTE)


def by_hand(notes, path, quote):
    """What becomes of a quote that is typed with the place where it stands."""
    return became(notes, *quoted([(1, quote, path)]).citations)


@pytest.mark.parametrize("place", ["a.md", "a.md:3-5", "a.md#Retries", "a.md, p. 2"])
def test_a_quote_by_hand_may_name_its_note_by_a_place_in_it(notes, cited, place):
    checked = by_hand(notes, place, QUOTE)
    assert (checked.standing, checked.place.path) == (INTACT, "a.md")


@pytest.mark.parametrize("place", ["b/tea.md:3", "tea.md:3", "tea:3", "TEAS:3"])
@pytest.mark.parametrize(
    ("quote", "standing"),
    [
        ("steeped at eighty degrees", INTACT),
        ("steeped at ninety degrees", CHANGED),
        ("at ninety degrees", CHANGED),
        ("ninety degrees", GONE),
        # A part of a sentence is looked for in the note that is named, and a whole one elsewhere.
        ("retried three times", GONE),
        (QUOTE, MOVED),
    ],
)
def test_a_note_is_named_by_its_file_or_title_and_its_words_are_compared(
    notes, cited, place, quote, standing
):
    checked = by_hand(notes, place, quote)
    assert (checked.standing, checked.citation.path) == (standing, "b/tea.md")
    assert checked.reason == (NOTHING_LIKE_IT if standing is GONE else "")


@pytest.mark.parametrize(("line", "standing"), [(1, INTACT), (3, MOVED), (5, INTACT)])
def test_a_quote_has_not_moved_where_it_also_stands_nearer(notes, line, standing):
    notes.write("a.md", f"Tea.\n\nSo.\n\n{'very ' * 50} good: Tea is hot.\n")
    assert by_hand(notes, f"a.md:{line}", "Tea").standing is standing


def test_a_name_that_several_notes_have_is_refused(notes, cited):
    notes.write("c/tea.md", OTHER)
    with pytest.raises(UsageError, match=r"2 notes are called 'tea\.md'"):
        by_hand(notes, "tea.md", "Green tea")


def test_what_takes_too_long_is_not_said_to_be_in_no_note(notes, cited, monkeypatch):
    monkeypatch.setattr("ragqa.verify.DEADLINE_S", -1)
    assert became(notes, cited).reason == TOO_LONG


PART = "retried three times"


@pytest.mark.parametrize("path", [ANY_NOTE, "a.md:5", "a.md:5-7"])
@pytest.mark.parametrize(
    ("quote", "now", "standing", "says"),
    [
        (PART, QUOTE, INTACT, QUOTE),
        (PART, f"```\nx\n{QUOTE}\n```", INTACT, PART),
        (QUOTE, f"Not so: {QUOTE}\n\n{QUOTE}", INTACT, QUOTE),
        (PART, QUOTE.replace("three", "thirty-three"), GONE, None),
        (QUOTE, QUOTE.replace("Requests", "Prerequests"), GONE, None),
    ],
)
def test_a_quote_that_somebody_chose_may_be_a_part_of_a_sentence(
    notes, cited, path, quote, now, standing, says
):
    notes.write("a.md", now)
    given = replace(cited, quote=quote, path=path, lines=NOWHERE, chars=NOWHERE, note_sha256="")
    checked = became(notes, given)
    if path == ANY_NOTE or standing is INTACT:
        has_moved = path != ANY_NOTE and standing is INTACT  # from line 5
        assert checked.standing is (MOVED if has_moved else standing)
        assert (checked.place and checked.place.text) == says
    assert (checked.reason == NOT_SAID) == (path == ANY_NOTE and standing is GONE)


@pytest.mark.parametrize("gone", [f"~~{QUOTE}~~", f"a <!-- {QUOTE} --> b"])
def test_a_part_of_what_is_no_longer_said_is_changed(notes, cited, gone):
    notes.write("a.md", gone)
    given = replace(cited, quote=PART, lines=NOWHERE, chars=NOWHERE, note_sha256="")
    checked = became(notes, given)
    assert checked.standing is CHANGED
    assert checked.place.text == PART


@pytest.mark.parametrize(
    ("quote", "chars", "standing", "shown"),
    [
        ("api_key", NOWHERE, INTACT, "api_key"),
        ("api_key: sk-1 sk-2 sk-3 sk-9", NOWHERE, GONE, None),
        ("api_key: sk-1 sk-2 sk-3 sk-4", (4, 32), INTACT, "api_key: sk-1 sk-2 sk-3 sk-4"),
        ("api_key: sk-1 sk-2 sk-3", (4, 27), CHANGED, "api_key: sk-1 sk-2 sk-3"),
    ],
)
def test_of_a_secret_only_the_words_of_the_quote_are_shown(
    notes, cited, quote, chars, standing, shown
):
    notes.write("a.md", "---\napi_key: sk-1 sk-2 sk-3 sk-4\n---\n")
    lines = NOWHERE if chars == NOWHERE else (2, 2)
    checked = became(notes, replace(cited, quote=quote, lines=lines, chars=chars, note_sha256=""))
    assert checked.standing is standing
    assert (checked.place and checked.place.text) == shown


@pytest.mark.parametrize("path", ["linked.md", "folder/secret.md"])
def test_a_link_is_not_followed(notes, path):
    outside = notes.folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text(NOTE, encoding="utf-8")
    (notes.folder / "linked.md").symlink_to(outside / "secret.md")
    (notes.folder / "folder").symlink_to(outside)
    notes.write("b.md", NOTE)
    cited = replace(notes.cite("b.md", QUOTE), path=path)
    (notes.folder / "b.md").unlink()
    checked = became(notes, cited)
    assert checked.standing is GONE
    assert "link" in checked.reason


@pytest.mark.parametrize("path", [".hidden.md", "drafts/a.md", "large.md", "binary.md"])
def test_what_is_not_read_as_a_note_is_neither_a_source_nor_searched(notes, cited, path):
    notes.write(".gitignore", "drafts/\n")
    notes.write(path, NOTE + ("x" * 100_000 if path == "large.md" else ""))
    if path == "binary.md":
        notes.write(path, NOTE.encode() + b"\0")
    (notes.folder / "a.md").unlink()
    assert became(notes, cited).standing is GONE
    assert became(notes, replace(cited, path=path)).standing is GONE


def test_what_could_not_be_searched_is_told_where_something_is_missing(notes, cited):
    notes.write("large.md", "x" * 100_001)
    assert notes.check(cited).warnings == ()
    (notes.folder / "a.md").unlink()
    (warning,) = notes.check(cited).warnings
    assert "large.md" in warning


@pytest.mark.parametrize("chars", [(0, 0), (-9, -1), (9, 3), (10**30, 10**30 + 5)])
def test_characters_that_do_not_fit_the_quote_are_only_a_hint_where_to_look(notes, cited, chars):
    if chars == (0, 0):  # the very place, counted from the end
        chars = tuple(place - len(NOTE) for place in cited.chars)
    digest = hashlib.sha256(NOTE.encode()).hexdigest()
    checked = became(notes, replace(cited, chars=chars, note_sha256=digest))
    assert (checked.standing, checked.place.lines) == (INTACT, (5, 5))
    assert checked.place.chars == cited.chars


@pytest.mark.parametrize(
    ("now", "says", "reason"),
    [
        (f"No longer true: {QUOTE}", f"No longer true: {QUOTE}", ""),
        (f"~~{QUOTE}~~ Now four times.", f"~~{QUOTE}~~", STRUCK_OUT),
        (f"~~Before. {QUOTE} After.~~", f"~~Before. {QUOTE} After.~~", STRUCK_OUT),
        (f"| a | b |\n|---|---|\n| {QUOTE} | never |", f"| {QUOTE} | never |", ""),
        (f"a <!-- {QUOTE} --> b", QUOTE, IN_COMMENT),
        (f"<!--\n\nOld.\n\n{QUOTE}\n-->", QUOTE, IN_COMMENT),
        (f"Old. <!-- So it was. {QUOTE} Or so. --> New.", QUOTE, IN_COMMENT),
        (f"%%\nOld.\n\n{QUOTE}\n%%", QUOTE, IN_COMMENT),
        (f"~~~ text\nA.\n{QUOTE}\n~~~", QUOTE, IN_CODE),
    ],
)
def test_a_sentence_that_has_grown_or_is_no_longer_said_is_changed(notes, cited, now, says, reason):
    notes.write("a.md", f"# Retries\n\nWhat the client does.\n\n{now}\n")
    checked = became(notes, cited)
    assert (checked.standing, checked.place.text, checked.reason) == (CHANGED, says, reason)


@pytest.mark.parametrize(
    "now",
    [
        f"- {QUOTE}",
        f"> {QUOTE}",
        f"{QUOTE}[^1]",
        f"{QUOTE} ^retries",
        f"{QUOTE} And one sentence more.",
        f"~~Old.~~ {QUOTE} ~~Older.~~",
        f"<!-- Old. --> \n\n{QUOTE}\n\n<!-- Older. -->",
        f"`~~` and `%%` and `<!--` are marks. {QUOTE} So are `-->`, `~~` and `%%`.",
        f"No longer true: {QUOTE}\n\n{QUOTE}",
    ],
)
def test_what_is_around_a_sentence_and_says_nothing_of_it_does_not_count(notes, cited, now):
    notes.write("a.md", f"# Retries\n\nNew.\n\nNewer.\n\n{now}\n")
    assert became(notes, cited).is_sound


def test_a_piece_of_a_sentence_that_was_too_long_to_cite_whole_is_still_sound(notes):
    piece = "and then it waits, " * 20
    text = f"First it asks, {piece * 2}{QUOTE}\n"
    notes.write("a.md", text)
    cited = notes.cite("a.md", piece.strip())
    notes.write("a.md", f"New.\n\n{text}")
    assert became(notes, cited).standing is MOVED


TABLE = "| Service | {} |\n| --- | --- |\n| Billing | Tom Ngata |\n"
ROW = "| Billing | Tom Ngata |"


def test_a_row_under_another_header_is_changed(notes):
    notes.write("a.md", TABLE.format("Owner"))
    cited = replace(notes.cite("a.md", ROW), context="Service | Owner")
    assert became(notes, cited).standing is INTACT
    below = replace(cited, context="Contacts: Service | Owner")
    assert became(notes, below).standing is CHANGED
    digest = hashlib.sha256((notes.folder / "a.md").read_bytes()).hexdigest()
    part = replace(notes.cite("a.md", "| Tom Ngata |"), context="Owner", note_sha256=digest)
    assert became(notes, part).standing is INTACT
    assert became(notes, replace(part, context="Service")).standing is CHANGED
    notes.write("a.md", TABLE.format("Former owner"))
    checked = became(notes, cited)
    assert (checked.standing, checked.place.context) == (CHANGED, "Service | Former owner")
    assert became(notes, below).standing is CHANGED
    assert became(notes, replace(cited, context="")).standing is INTACT


EXCERPT = """What the client does:

- It retries **three** times.
- It waits two seconds.

| Server | Limit |
|---|---|
| old | 5 |
| new | 50 |"""


@pytest.mark.parametrize(
    ("now", "standing", "shown"),
    [
        (f"{EXCERPT}\n\nThat was all.\n", INTACT, EXCERPT),
        (f"Welcome.\n\n{EXCERPT}\n", MOVED, EXCERPT),
        (f"```\n{EXCERPT}\n```\n", CHANGED, EXCERPT),
        (f"Not {EXCERPT}\n", CHANGED, f"Not {EXCERPT}"),
        *(
            (f"{changed}\n\nThat is all.\n", CHANGED, changed)
            for changed in (
                EXCERPT.replace("| new | 50 |", "| new | 60 |"),
                EXCERPT.replace("- It waits two seconds.\n", ""),
                EXCERPT.replace("**three**", "four"),
            )
        ),
    ],
)
def test_an_excerpt_of_several_blocks_is_held_against_the_note_as_one(notes, now, standing, shown):
    notes.write("a.md", f"# Client\n\n{EXCERPT}\n\nThat is all.\n")
    excerpt = notes.cite("a.md", EXCERPT)
    notes.write("a.md", f"# Client\n\n{now}")
    checked = became(notes, excerpt)
    assert (checked.standing, checked.place.text) == (standing, shown)
