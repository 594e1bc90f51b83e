"""What belongs together: the parts of a section, and small sections that are neighbours."""

import re
from collections.abc import Callable, Iterable, Sequence

from ragqa.passages.parts import HeadingPath, Part
from ragqa.types import Kind

# "Database: PostgreSQL", "Deadline - 2 May", or a sentence.
_FACT = re.compile(
    r"[^:\uff1a]{1,60}?(?::\s|\uff1a|\s(?:[=\u2013\u2014-]|->)\s)\s*\S|.*[^.\s][.!\u3002\uff01]\s*\Z",
    re.DOTALL,
)


def sections(text: str, parts: Iterable[Part]) -> list[list[Part]]:
    """Begin a section at each heading, except where no text stands between it and the one before.

    Headings at the end of the note that have no text belong to the last section that has. Where
    something is left out between two parts, such as a comment, a section ends; if it is headings
    alone that state nothing, they are left out too: they stand above what comes after.
    """
    found: list[list[Part]] = []
    has_text = True
    for part in parts:
        apart = bool(found) and not follows(text, found[-1][-1], part)
        if apart and not has_text and not _state_fact(text, found[-1]):
            found.pop()
        if not found or apart or (part.unit.kind is Kind.HEADING and has_text):
            found.append([])
            has_text = False
        found[-1].append(part)
        has_text = has_text or part.is_text
    if len(found) > 1 and not has_text and follows(text, found[-2][-1], found[-1][0]):
        last = found.pop()
        found[-1] += last
    return found


def _state_fact(text: str, headings: Iterable[Part]) -> bool:
    return any(states_fact(text[part.unit.start : part.unit.end]) for part in headings)


def states_fact(heading: str) -> bool:
    """Whether a heading says something by itself: a value for a name, or a sentence."""
    return _FACT.match(heading) is not None


def follows(text: str, before: Part, after: Part) -> bool:
    """Whether nothing but white space stands between two parts."""
    return not text[before.unit.end : after.unit.start].strip()


def join_small(
    cut_sections: Iterable[list[list[Part]]],
    *,
    small_tokens: int,
    fits: Callable[[Sequence[Part]], bool],
) -> list[list[Part]]:
    """Join a small section to the one before it where both stand under the same heading.

    Only up to twice the size that counts as small: a passage about one thing is found better than
    one about several, and its citation names the section.

    :param cut_sections: the runs that each section was cut into; only a section in one run is
        joined to another.
    """
    runs: list[list[Part]] = []
    last: list[Part] = []
    for section in cut_sections:
        joined = last + section[0]
        whole = len(section) == 1
        if whole and last and _go_together(last, section[0], small_tokens) and fits(joined):
            runs[-1] = last = joined
            continue
        runs += section
        last = section[0] if whole else []
    return runs


def _go_together(before: Sequence[Part], after: Sequence[Part], small_tokens: int) -> bool:
    siblings = _parent(before) == _parent(after)
    sizes = [sum(part.size.tokens for part in run) for run in (before, after)]
    return siblings and min(sizes) < small_tokens and sum(sizes) <= 2 * small_tokens


def _parent(run: Sequence[Part]) -> HeadingPath:
    return next((part.path for part in run if part.is_text), run[-1].path)[:-1]


def common_path(parts: Sequence[Part]) -> HeadingPath:
    """The heading path that is true of all the text; headings count only where there is no text."""
    paths = [part.path for part in parts if part.is_text] or [parts[-1].path]
    shortest = min(paths, key=len)
    for depth in range(len(shortest), 0, -1):
        if all(path[:depth] == shortest[:depth] for path in paths):
            return shortest[:depth]
    return ()
