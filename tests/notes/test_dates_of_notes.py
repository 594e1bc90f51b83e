"""Where the day of a note comes from."""

from datetime import UTC, datetime

from ragqa.notes import Document, parse_note
from ragqa.notes.dated import dates_of
from ragqa.types import Days, NoteState, Stamp


def dated(**notes):
    """The day of each note and what it is from; each is given with the day of its file."""
    records = {}
    for name, (text, day) in notes.items():
        at = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        state = NoteState(Stamp(1, int(at * 1e9)), "", settled=True)
        note = parse_note(f"{name}.md", Document(text, state=state))
        records[name] = note.record
    by_path = {f"{name}.md": record for name, record in records.items()}
    dates = dates_of(Days.of(by_path.values()), by_path.get)
    found = {name: dates(f"{name}.md") for name in notes}
    return {name: (dated.day, dated.source) for name, dated in found.items()}


def test_a_line_of_few_words_below_the_title_may_have_the_date():
    assert dated(
        jobs=("# Jobs\n\nMette, 15 July 2025\n\nThey run at two.\n", "2026-01-01"),
        told=("# Jobs\n\nOn 15 July 2025 we said that they run at two.\n", "2026-01-02"),
    ) == {"jobs": ("2025-07-15", "note"), "told": ("2026-01-02", "file")}


def test_a_day_of_the_last_edit_is_told_from_others():
    assert dated(a=("---\nupdated: 2025-07-02\n---\n\n# A\n", "2026-01-01")) == {
        "a": ("2025-07-02", "edited")
    }


def test_the_day_of_a_file_counts_only_where_not_most_files_have_the_same():
    plain = "# Tea\n\nIt draws.\n"
    assert dated(a=(plain, "2026-01-01"), b=(plain, "2026-01-01"), c=(plain, "2026-02-03")) == {
        "a": ("", ""),
        "b": ("", ""),
        "c": ("2026-02-03", "file"),
    }
