"""What becomes of a citation when the notes change."""

import hashlib
from dataclasses import replace

import pytest
from support import make_answer

from ragqa.verifying.checking import (
    IN_CODE,
    IN_COMMENT,
    NO_NOTE,
    NOTHING_LIKE_IT,
    STRUCK_OUT,
    Standing,
)
from ragqa.verifying.saved import NOWHERE, record_of

QUOTE = "Requests are retried three times, with a pause of two seconds."
NOTE = f"# Retries\n\nWhat the client does.\n\n{QUOTE} Then it gives up.\n"
OTHER = "# Teas\n\nGreen tea is steeped at eighty degrees.\n"


@pytest.fixture
def cited(notes):
    notes.write("a.md", NOTE)
    notes.write("b/tea.md", OTHER)
    return notes.cite("a.md", QUOTE)


def became(notes, *citations):
    return notes.check(*citations).checked[0]


def test_a_citation_is_intact_whatever_else_changes_in_its_note(notes, cited):
    assert became(notes, cited).standing is Standing.INTACT
    notes.write("a.md", NOTE.replace("Then it gives up.", "It never gives up."))
    checked = became(notes, cited)
    assert (checked.standing, checked.place.lines) == (Standing.INTACT, (5, 5))


def test_a_line_inserted_above_moves_it(notes, cited):
    notes.write("a.md", NOTE.replace("What", "A new line.\n\nWhat"))
    checked = became(notes, cited)
    assert (checked.standing, checked.place.lines) == (Standing.MOVED, (7, 7))
    assert not checked.is_rewrapped


def test_an_edited_sentence_is_changed_and_shows_what_it_says_now(notes, cited):
    notes.write("a.md", NOTE.replace("three", "five"))
    checked = became(notes, cited)
    assert checked.standing is Standing.CHANGED
    assert checked.place.text == QUOTE.replace("three", "five")


def test_a_sentence_taken_out_is_gone(notes, cited):
    notes.write("a.md", NOTE.replace(QUOTE, ""))
    checked = became(notes, cited)
    assert (checked.standing, checked.reason) == (Standing.GONE, NOTHING_LIKE_IT)


def test_a_renamed_note_moves_it(notes, cited):
    notes.write("z/retries.md", NOTE)
    (notes.folder / "a.md").unlink()
    checked = became(notes, cited)
    assert (checked.standing, checked.place.path) == (Standing.MOVED, "z/retries.md")


def test_a_removed_note_is_gone_with_the_reason(notes, cited):
    (notes.folder / "a.md").unlink()
    checked = became(notes, cited)
    assert (checked.standing, checked.reason) == (Standing.GONE, NO_NOTE)


def test_a_sentence_cut_and_pasted_into_another_note_is_moved(notes, cited):
    notes.write("a.md", NOTE.replace(QUOTE, ""))
    notes.write("b/tea.md", OTHER + QUOTE)
    checked = became(notes, cited)
    assert (checked.standing, checked.place.path) == (Standing.MOVED, "b/tea.md")


def test_an_old_copy_does_not_make_a_changed_sentence_sound(notes, cited):
    notes.write("archive/a.md", NOTE)
    notes.write("a.md", NOTE.replace("three", "five"))
    checked = became(notes, cited)
    assert (checked.standing, checked.place.path) == (Standing.CHANGED, "a.md")


def test_an_answer_kept_among_the_notes_is_no_source_of_what_it_quotes(notes, cited):
    record = record_of(make_answer(quote=QUOTE))
    notes.write("answers/one.md", f"```text\n{QUOTE}\n```\n\n```json\n{record}\n```\n")
    (notes.folder / "a.md").unlink()
    assert became(notes, cited).standing is Standing.GONE


def test_of_other_notes_the_first_by_path_counts(notes, cited):
    for path in ("y.md", "c.md", "x.md"):
        notes.write(path, NOTE)
    (notes.folder / "a.md").unlink()
    assert became(notes, cited).place.path == "c.md"


def test_of_two_places_in_its_note_the_nearest_to_the_old_one_counts(notes):
    notes.write("a.md", f"{QUOTE}\n\nBetween.\n\n{QUOTE}\n")
    second = notes.cite("a.md", QUOTE, after="Between")
    notes.write("a.md", f"{QUOTE}\n\nBetween.\nMore.\n\n{QUOTE}\n")
    assert became(notes, second).place.lines == (6, 6)


def test_wrapped_differently_is_moved_and_says_so(notes, cited):
    notes.write("a.md", NOTE.replace("three times, with", "three times,\nwith"))
    checked = became(notes, cited)
    assert (checked.standing, checked.is_rewrapped) == (Standing.MOVED, True)
    assert checked.place.lines == (5, 6)


def test_a_quote_over_several_lines_survives_a_change_of_line_ends(notes):
    notes.write("a.md", "# A\n\nOne line of it\nand another.\n")
    cited = notes.cite("a.md", "One line of it\nand another.")
    assert became(notes, cited).standing is Standing.INTACT
    notes.write("a.md", "# A\r\n\r\nOne line of it\r\nand another.\r\n")
    assert became(notes, cited).standing is Standing.INTACT
    again = notes.cite("a.md", "One line of it\r\nand another.")
    assert became(notes, again).standing is Standing.INTACT


def test_a_byte_order_mark_moves_nothing(notes, cited):
    notes.write("a.md", b"\xef\xbb\xbf" + NOTE.encode())
    assert became(notes, cited).standing is Standing.INTACT


def test_a_number_that_grew_a_digit_is_changed_though_the_old_characters_still_stand(notes):
    notes.write("a.md", "- Retries before giving up: 5\n")
    cited = notes.cite("a.md", "- Retries before giving up: 5")
    notes.write("a.md", "- Retries before giving up: 50\n")
    checked = became(notes, cited)
    assert checked.standing is Standing.CHANGED
    assert checked.place.text.endswith("50")


def test_a_name_that_is_not_utf_8_is_found(notes):
    notes.write("caf\udce9.md", NOTE)
    cited = notes.cite("caf\udce9.md", QUOTE)
    assert became(notes, cited).standing is Standing.INTACT
    notes.write("a.md", NOTE)
    (notes.folder / "caf\udce9.md").unlink()
    assert became(notes, cited).place.path == "a.md"


@pytest.mark.parametrize("path", ["../secret.md", "/etc/hostname", "b/../a.md", "", ".", "a\0.md"])
def test_a_path_that_leads_out_is_gone(notes, cited, path):
    (notes.folder.parent / "secret.md").write_text(NOTE, encoding="utf-8")
    (notes.folder / "a.md").unlink()
    checked = became(notes, replace(cited, path=path))
    assert (checked.standing, checked.reason) == (Standing.GONE, NO_NOTE)


@pytest.mark.parametrize("place", ["a.md", "a.md:5", "a.md:3-5", "a.md#Retries", "a.md, p. 2"])
def test_a_quote_whose_lines_nobody_gave_may_name_its_note_by_a_place_in_it(notes, cited, place):
    checked = became(notes, replace(cited, path=place, lines=NOWHERE, chars=NOWHERE))
    assert (checked.standing, checked.place.path) == (Standing.INTACT, "a.md")


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
    assert checked.standing is Standing.GONE
    assert "link" in checked.reason


@pytest.mark.parametrize("path", [".hidden.md", "drafts/a.md", "a.pem", "large.md", "binary.md"])
def test_what_is_not_read_as_a_note_is_neither_a_source_nor_searched(notes, cited, path):
    notes.write(".gitignore", "drafts/\n")
    notes.write(path, NOTE + ("x" * 100_000 if path == "large.md" else ""))
    if path == "binary.md":
        notes.write(path, NOTE.encode() + b"\0")
    (notes.folder / "a.md").unlink()
    assert became(notes, cited).standing is Standing.GONE
    assert became(notes, replace(cited, path=path)).standing is Standing.GONE


def test_what_could_not_be_searched_is_told_where_something_is_missing(notes, cited):
    notes.write("large.md", "x" * 100_001)
    assert notes.check(cited).warnings == ()
    (notes.folder / "a.md").unlink()
    (warning,) = notes.check(cited).warnings
    assert "large.md" in warning


@pytest.mark.parametrize("chars", [(0, 5), (-9, -1), (9, 3), (10**30, 10**30 + 5)])
def test_characters_that_do_not_fit_the_quote_are_only_a_hint_where_to_look(notes, cited, chars):
    checked = became(notes, replace(cited, chars=chars))
    assert (checked.standing, checked.place.lines) == (Standing.INTACT, (5, 5))


def test_the_same_citation_twice_is_told_twice(notes, cited):
    assert len(notes.check(cited, cited).checked) == 2


def test_an_answer_without_citations_is_sound(notes):
    assert notes.check().is_sound


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (f"No longer true: {QUOTE}", f"No longer true: {QUOTE}"),
        (f"It is not so that {QUOTE} More.", f"It is not so that {QUOTE}"),
        (f"~~{QUOTE}~~ Now four times.", f"~~{QUOTE}~~"),
        (f"- {QUOTE} Except on Mondays.", f"- {QUOTE} Except on Mondays."),
        (f"| a | b |\n|---|---|\n| {QUOTE} | never |", f"| {QUOTE} | never |"),
        (f"a <!-- {QUOTE} --> b", QUOTE),
    ],
)
def test_a_sentence_that_has_grown_is_changed_and_shown_whole(notes, cited, now, says):
    notes.write("a.md", f"# Retries\n\nWhat the client does.\n\n{now}\n")
    checked = became(notes, cited)
    assert (checked.standing, checked.place.text) == (Standing.CHANGED, says)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (f"~~{QUOTE}~~", STRUCK_OUT),
        (f"~~Before. {QUOTE} After.~~", STRUCK_OUT),
        (f"<!-- {QUOTE} -->", IN_COMMENT),
        (f"<!--\n\nOld.\n\n{QUOTE}\n-->", IN_COMMENT),
        (f"Old. <!-- So it was. {QUOTE} Or so. --> New.", IN_COMMENT),
        (f"%%\nOld.\n\n{QUOTE}\n%%", IN_COMMENT),
        (f"```\n{QUOTE}\n```", IN_CODE),
        (f"~~~ text\nA.\n{QUOTE}\n~~~", IN_CODE),
    ],
)
def test_a_sentence_that_is_no_longer_said_is_changed_with_the_reason(notes, cited, now, reason):
    notes.write("a.md", f"# Retries\n\n{now}\n")
    checked = became(notes, cited)
    assert (checked.standing, checked.reason) == (Standing.CHANGED, reason)
    assert QUOTE in checked.place.text


@pytest.mark.parametrize(
    "now",
    [
        f"- {QUOTE}",
        f"> {QUOTE}",
        f"**{QUOTE}**",
        f"{QUOTE}[^1]",
        f"{QUOTE} ^retries",
        f"12. {QUOTE}",
        f"{QUOTE} And one sentence more.",
        f"~~Old.~~ {QUOTE} ~~Older.~~",
        f"<!-- Old. --> \n\n{QUOTE}\n\n<!-- Older. -->",
        f"`~~` and `%%` and `<!--` are marks. {QUOTE} So are `-->`, `~~` and `%%`.",
        f"```\n%% of mermaid\n```\n\n{QUOTE}\n\n```\n%% again\n```",
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
    assert became(notes, cited).standing is Standing.MOVED


def test_an_old_copy_does_not_make_a_grown_sentence_sound(notes, cited):
    notes.write("a.md", NOTE.replace(QUOTE, f"No longer true: {QUOTE}"))
    notes.write("z.md", NOTE)
    checked = became(notes, cited)
    assert (checked.standing, checked.place.path) == (Standing.CHANGED, "a.md")


TABLE = "| Service | {} |\n| --- | --- |\n| Billing | Tom Ngata |\n"
ROW = "| Billing | Tom Ngata |"


def test_a_row_under_another_header_is_changed(notes):
    notes.write("a.md", TABLE.format("Owner"))
    cited = replace(notes.cite("a.md", ROW), context="Service | Owner")
    assert became(notes, cited).standing is Standing.INTACT
    below = replace(cited, context="Contacts: Service | Owner")
    assert became(notes, below).standing is Standing.CHANGED
    made_up = became(notes, replace(cited, context="Service | Debtor"))
    assert (made_up.standing, made_up.place.header) == (Standing.CHANGED, "Service | Owner")
    digest = hashlib.sha256((notes.folder / "a.md").read_bytes()).hexdigest()
    part = replace(notes.cite("a.md", "| Tom Ngata |"), context="Owner", note_sha256=digest)
    assert became(notes, part).standing is Standing.INTACT
    assert became(notes, replace(part, context="Service")).standing is Standing.CHANGED
    notes.write("a.md", TABLE.format("Former owner"))
    checked = became(notes, cited)
    assert (checked.standing, checked.place.header) == (Standing.CHANGED, "Service | Former owner")
    assert became(notes, below).standing is Standing.CHANGED
    assert became(notes, replace(cited, context="")).standing is Standing.INTACT


EXCERPT = """What the client does:

- It retries **three** times.
- It waits two seconds.

| Server | Limit |
|---|---|
| old | 5 |
| new | 50 |"""


@pytest.fixture
def excerpt(notes):
    """A citation of a paragraph, a list and a table, as one."""
    notes.write("a.md", f"# Client\n\n{EXCERPT}\n\nThat is all.\n")
    return notes.cite("a.md", EXCERPT)


@pytest.mark.parametrize(
    ("note", "standing"),
    [
        (f"# Client\n\n{EXCERPT}\n\nThat was all.\n", Standing.INTACT),
        (f"# Client\n\n{EXCERPT}\n| newest | 500 |\n", Standing.INTACT),
        (f"# Client\n\nWelcome.\n\n{EXCERPT}\n", Standing.MOVED),
        (f"# Client\n\n```\n{EXCERPT}\n```\n", Standing.CHANGED),
        (f"# Client\n\n<!--\n{EXCERPT}\n-->\n", Standing.CHANGED),
        (f"# Client\n\nNot {EXCERPT}\n", Standing.CHANGED),
    ],
)
def test_an_excerpt_of_several_blocks_is_held_against_the_note_as_one(
    notes, excerpt, note, standing
):
    notes.write("a.md", note)
    assert became(notes, excerpt).standing is standing


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| new | 50 |", "| new | 60 |"),
        ("- It waits two seconds.\n", ""),
        ("- It waits", "- It sings.\n- It waits"),
        ("**three**", "four"),
    ],
)
def test_whatever_changes_within_an_excerpt_is_shown_with_the_rest_of_it(notes, excerpt, old, new):
    notes.write("a.md", f"# Client\n\n{EXCERPT.replace(old, new)}\n\nThat is all.\n")
    checked = became(notes, excerpt)
    assert checked.standing is Standing.CHANGED
    assert checked.place.text == EXCERPT.replace(old, new)
