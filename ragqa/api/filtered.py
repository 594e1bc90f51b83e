"""What filters leave out of a search, and which of them no note passes."""

import shlex
from collections.abc import Iterable

from ragqa.errors import UsageError
from ragqa.stores import Snapshot
from ragqa.stores.filters import fold_tag, path_matcher, tag_and_parents
from ragqa.types import Filters, NoteRecord, with_parents

MAX_NEAREST = 3


def filter_warnings(snapshot: Snapshot, filters: Filters, *, found: bool) -> list[str]:
    """Warnings about the notes that filters exclude.

    :param found: whether any passage passed the filters.
    :raises UsageError: no note has a tag, path or property that the filters name.
    """
    if not found or len(filters.paths) > 1 or filters.where:
        _check_names(snapshot, filters)
    warnings = _undated(snapshot, filters) if filters.since else []
    if not found:
        warnings.append("nothing was found among the notes that match the filters")
    return warnings


def _check_names(snapshot: Snapshot, filters: Filters) -> None:
    """Raise unless the index has every tag and path that the filters name."""
    notes = snapshot.notes()
    tags = {each for note in notes.values() for tag in note.tags for each in tag_and_parents(tag)}
    for tag in filters.tags:
        if fold_tag(tag) not in tags:
            raise UsageError(
                f"no note has the tag {fold_tag(tag)}{_nearest(fold_tag(tag), tags)}",
                hint="ragqa list --tags",
            )
    _check_properties(notes.values(), filters.where)
    for glob in filters.paths:
        if not any(map(path_matcher([glob]), notes)):
            paths = {each for path in notes for each in with_parents(path)}
            raise UsageError(
                f"no note has a path like {glob}{_nearest(glob, paths)}", hint="ragqa list"
            )


def _check_properties(notes: Iterable[NoteRecord], where: str) -> None:
    """Raise unless each property is in some note, and has values that compare as asked."""
    if not where:
        return
    from ragqa.stores.where import by_name, equals, parse_where

    values = by_name(pair for note in notes for pair in note.properties)
    for one in parse_where(where).comparisons:
        held = values.get(one.name)
        if held is None:
            near = (
                _nearest(one.name, values) or f"; there are {', '.join([*values][:10]) or 'none'}"
            )
            raise UsageError(f"no note has the property {one.name}{near}", hint="ragqa list")
        if not one.can_hold(held):
            raise UsageError(
                f"no note has a value of {one.name} that {one.sign} can compare with {one.value}; "
                f"values are such as {held[0]}",
                hint=_listing(equals(one.name, held[0])),
            )


def _listing(where: str) -> str:
    """The command that lists what passes a filter; its words may come from any note."""
    return f"ragqa list --where {shlex.quote(where)}" if where else "ragqa list"


def _undated(snapshot: Snapshot, filters: Filters) -> list[str]:
    undated = snapshot.undated(filters)
    if not undated:
        return []
    notes = "1 note without a date was" if undated == 1 else f"{undated} notes without a date were"
    return [f"{notes} left out by --since"]


def _nearest(name: str, names: Iterable[str]) -> str:
    # Imported late: only an unknown name needs it.
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(names), n=MAX_NEAREST)
    return f"; nearest: {', '.join(close)}" if close else ""
