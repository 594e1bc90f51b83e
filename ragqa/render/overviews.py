"""The state of an index and settings, for the terminal and as JSON documents."""

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from ragqa.config import SETTINGS, Loaded
from ragqa.config.settings import COMMON, Origin, Value, as_written, shown
from ragqa.languages import ENGLISH
from ragqa.notes.formats import how_to_read
from ragqa.render import (
    Document,
    print_as_is,
    put,
    put_heading,
    put_labelled,
    stdout,
)
from ragqa.safe import safe_line
from ragqa.status import IndexStatus, LlmChoice, NotesIn
from ragqa.types import Corpus, IndexReport, NoteList, Skipped, by_kind, counted
from ragqa.user_data.consent import consent_file

_WIDTH = 12
_COLUMNS = (40, 10, 28, 0)
"""The widest path, date, title and tags of a list; what is longer moves what follows it."""


def print_report(report: IndexReport, where: str) -> None:
    """Print what `ragqa index` did, and where the index is."""
    info = report.info
    put(
        f"{counted(info.notes, 'note')}, {counted(info.passages, 'passage')}: "
        f"{report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged ({report.seconds:.1f} s)"
    )
    put(f"Index: {where}", "quiet")
    if report.unread:
        put(f"Skipped: {len(report.unread)}", "warning")
        _print_skipped(report.unread)
    if report.left_out:
        put(f"Left out: {len(report.left_out)}", "quiet")
        _print_skipped(report.left_out)


def print_list(listed: NoteList, *, tags: bool) -> None:
    """Print a line for each note, or for each tag: in columns on a terminal, else with tabs."""
    if tags:
        width = max(map(len, map(str, listed.tags.values())), default=0)
        for tag, notes in listed.tags.items():
            put_labelled(f"{notes:>{width}}  ", "number", tag)
        return
    rows = [
        (
            Text(safe_line(note.path), "path"),
            Text(note.date, "quiet"),
            Text(safe_line(note.title)),
            Text(" ".join(f"#{safe_line(tag)}" for tag in note.tags), "quiet"),
        )
        for note in listed.notes
    ]
    if not stdout().is_terminal:
        lines = ["\t".join(cell.plain for cell in row).rstrip("\t") for row in rows]
        print_as_is("".join(f"{line}\n" for line in lines))
        return
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        line = Text()
        for cell, width, most in zip(row, widths, _COLUMNS, strict=True):
            cell.pad_right(max(0, min(width, most) - cell.cell_len))
            line.append_text(cell).append("  ")
        line.rstrip()
        put(line, hang=3)


def _print_skipped(skipped: Sequence[Skipped]) -> None:
    """Print which notes were skipped, by the reason why."""
    for line in by_kind(skipped):
        put(line, indent=2)


def print_status(status: IndexStatus) -> None:
    """Print what is indexed, what is wrong, where anything is sent, and what was left out."""
    info, kept, corpus = status.info, status.kept, status.places.corpus
    where = f"at {kept.where}" if kept.is_on_server else f"in {kept.where}"
    size = "" if kept.is_on_server else f" ({status.bytes / 1e6:.1f} MB)"
    print_row("notes", f"{info.notes} in {corpus}")
    for name, value in _about_notes(corpus, status.languages):
        print_row(name, value)
    print_row("index", f"{counted(info.passages, 'passage')} {where}{size}, made {info.created}")
    print_row("embedder", f"{info.embedder.name}, {info.embedder.dimension} dimensions")
    pending = f"{status.added} new, {status.changed} changed, {status.removed} removed"
    if info.not_embedded:
        pending += f", {counted(info.not_embedded, 'passage')} not embedded"
    print_row("fresh", "yes" if status.is_fresh else f"no: {pending} (ragqa index catches up)")
    print_row("LLM", llm_line(status.llm))
    if status.building:
        print_row("building", f"another process is writing the index {status.building}")
    if status.other_files:
        print_row("not notes", _counts(status.other_files))
    if status.allowed:
        back = f"; to take one back, delete its line in {consent_file()}"
        print_row("allowed", f"{', '.join(status.allowed)}{back}")
    for problem in status.problems:
        print_row("wrong", problem.what)
        if problem.fix:
            put_labelled("try: ", "good", problem.fix, indent=_WIDTH)
    print_row("skipped", str(len(status.unread)))
    _print_skipped(status.unread)
    if off := status.switched_off:
        how = how_to_read(off, status.formats)
        print_row("left out", f"{_counts(off)}; to read them: {how}")
    if status.left_out:
        print_row("left out", f"{len(status.left_out)}, as your vault's settings say")
        _print_skipped(status.left_out)


def _about_notes(corpus: Corpus, languages: Sequence[NotesIn]) -> Iterator[tuple[str, str]]:
    """The contexts of folders, languages beside English, and which the embedder hardly reads."""
    for folder in corpus.folders:
        if folder.context:
            yield f"  {folder.name}", folder.context
    if any(notes.language != ENGLISH for notes in languages):
        yield "languages", ", ".join(f"{notes.notes} in {notes.name}" for notes in languages)
    unread = ", ".join(notes.name for notes in languages if not notes.readable)
    partly = ", ".join(notes.name for notes in languages if 0 < notes.readable < 1)
    if unread:
        yield "", f"the embedder cannot read {unread}: such notes are found by their words alone"
    if partly:
        by = "such notes are ranked mostly by their words"
        yield "", f"the embedder reads {partly} in part: {by}"
    if unread or partly:
        yield "", "for models that read more, see docs/languages.md"


def _counts(by_suffix: Mapping[str, int]) -> str:
    """How many files there are of each kind, the most common first."""
    common = sorted(by_suffix.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in common)


def print_settings(loaded: Loaded, *, every: bool) -> None:
    """Print the settings that are set, with where, then the common or `every` one that is not."""
    values = values_of(loaded)
    is_set = [name for name in values if loaded.origins[name] != Origin.DEFAULT]
    others = [name for name in values if name not in is_set and (every or name in COMMON)]
    width = 2 + max(map(len, (*is_set, *others)))
    for title, names in (("Set", is_set), ("Not set", others)):
        if names:
            put_heading(title)
        for name in names:
            value = safe_line(str(shown(values[name]))) or "none"
            origin = f"  ({safe_line(loaded.origins[name])})" if name in is_set else ""
            line = Text.assemble((f"{name:<{width}}", "heading"), value, (origin, "quiet"))
            put(line, hang=width)
            put(SETTINGS[name].doc, "quiet", indent=width)
    if more := len(values) - len(is_set) - len(others):
        put_heading(f"{counted(more, 'more setting')}: ragqa config --all", "quiet")


def settings_document(loaded: Loaded) -> Document:
    """What `ragqa config --json` prints."""
    return {
        "settings": {
            name: {"value": as_written(value), "origin": loaded.origins[name]}
            for name, value in values_of(loaded).items()
        }
    }


def llm_line(choice: LlmChoice) -> str:
    """The backend that is set and where it sends data, on one line; not sanitised."""
    sent = f"nothing but the index leaves this machine, to {choice.index_host}"
    sent = sent if choice.index_host else "nothing leaves this machine"
    if not choice.spec:
        return f"none: {sent}"
    backend = f"{choice.spec}, set by {choice.origin}"
    if choice.destination is None:
        return backend
    if choice.destination.is_local:
        return f"{backend}; {sent}"
    allowed = "" if choice.allowed else " (not allowed yet)"
    return f"{backend}; data goes to {choice.destination.where}{allowed}"


def values_of(loaded: Loaded) -> dict[str, Value]:
    """The value of every setting by name; `corpus` and `index` as resolved paths."""
    values = {name: getattr(loaded.settings, name) for name in SETTINGS}
    if loaded.found is not None:
        values["corpus"] = loaded.found.corpus.folders
        values["index"] = str(loaded.found.index)
    return values


def print_row(name: str, value: str) -> None:
    """Print a value below or beside its name."""
    put_labelled(f"{name:<{_WIDTH}}", "quiet", value)
