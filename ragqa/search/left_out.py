"""What a search did not look through, and filters that name nothing."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from ragqa.errors import LIST, NoCorpus, NoSuchTag, UsageError
from ragqa.index import Snapshot
from ragqa.index.filters import fold_tag, path_matcher, property_in, tag_and_parents
from ragqa.index.source import Source
from ragqa.notes.formats import how_to_read, switched_off
from ragqa.types import Filters, IndexInfo, NoteRecord, counted, with_parents

SKIPPED = "skipped "
MAX_NEAREST = 3


def files_left_out(source: Source) -> str:
    """How many files are of formats that are off, and how to read them; "" for none."""
    off: dict[str, int] = {}
    with suppress(NoCorpus):
        off = switched_off(source.walk().others)
    if not (total := sum(off.values())):
        return ""
    listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(off.items()))
    was, it = ("was", "it") if total == 1 else ("were", "them")
    files = f"{counted(total, 'file')} ({listed})"
    return f"{files} {was} left out; to read {it}: {how_to_read(off, source.formats)}"


def why_not_found(
    left_out: str, info: IndexInfo, filters: Filters | None, given: Sequence[str]
) -> list[str]:
    """A warning of what was not looked through: skipped notes, and formats that are off.

    :param left_out: what `files_left_out` says.
    :param given: the warnings so far; what they say of skipped notes is not repeated.
    """
    paths = filters.paths if filters else ()
    is_asked = path_matcher(paths) if paths else bool
    is_given = any(warning.startswith(SKIPPED) for warning in given)
    skips = 0 if is_given else sum(is_asked(skip.path) for skip in info.skipped)
    was = "was" if skips == 1 else "were"
    skipped = f"{counted(skips, 'note')} {was} skipped (ragqa status says why)" if skips else ""
    parts = [part for part in (skipped, left_out) if part]
    return ["; ".join(parts)] if parts else []


def filter_warnings(snapshot: Snapshot, filters: Filters, *, is_found: bool) -> list[str]:
    """Warnings about the notes that filters exclude.

    :param is_found: whether any passage passed the filters.
    :raises UsageError: no note has a tag, path or property that the filters name.
    """
    if not is_found or len(filters.paths) > 1 or filters.where:
        notes = snapshot.notes()
        tags = {
            name for note in notes.values() for tag in note.tags for name in tag_and_parents(tag)
        }
        for tag in map(fold_tag, filters.tags):
            if tag not in tags:
                raise NoSuchTag(tag, _close(tag, tags))
        if filters.where:
            _check_properties(notes.values(), filters.where)
        for glob in filters.paths:
            if not any(map(path_matcher([glob]), notes)):
                near = _nearest(glob, {name for path in notes for name in with_parents(path)})
                raise UsageError(f"no note has a path like {glob}{near}", hint=LIST)
    warnings = []
    undated = 0
    if filters.since or filters.until:
        let_through = snapshot.notes(replace(filters, since="", until="")).values()
        undated = sum(not (note.date or note.days) for note in let_through)
    if undated:
        were = "was" if undated == 1 else "were"
        warnings.append(
            f"{counted(undated, 'note')} without a date {were} left out by the filter of dates"
        )
    if not is_found:
        warnings.append("nothing was found among the notes that match the filters")
    return warnings


def _check_properties(notes: Iterable[NoteRecord], where: Iterable[str]) -> None:
    """Raise unless each property is in some note."""
    names = dict.fromkeys(name.casefold() for note in notes for name, _ in note.properties)
    for wanted, _ in map(property_in, where):
        if wanted not in names:
            there = f"; there are {', '.join([*names][:10]) or 'none'}"
            near = _nearest(wanted, names) or there
            raise UsageError(f"no note has the property {wanted}{near}", hint=LIST)


def _close(name: str, names: Iterable[str]) -> tuple[str, ...]:
    # Imported late: only an unknown name needs it.
    from difflib import get_close_matches

    return tuple(get_close_matches(name, sorted(names), n=MAX_NEAREST))


def _nearest(name: str, names: Iterable[str]) -> str:
    close = _close(name, names)
    return f"; nearest: {', '.join(close)}" if close else ""
