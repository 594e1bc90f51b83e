"""Groups parts into sections, and joins small neighbouring sections."""

from collections.abc import Callable, Iterable, Sequence

from ragqa.passages.parts import HeadingPath, Part
from ragqa.text.markdown import states_fact
from ragqa.types import Kind


def sections(text: str, parts: Iterable[Part]) -> list[list[Part]]:
    """Begin a section at each heading, unless no text separates it from the previous heading.

    Trailing headings without text join the last section with text. A gap between two parts, such as
    a comment, ends a section; a section of headings alone that state no fact is then dropped, since
    its headings reappear above the next text.
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


def follows(text: str, before: Part, after: Part) -> bool:
    """Whether only white space separates two parts."""
    return not text[before.unit.end : after.unit.start].strip()


def join_small(
    cut_sections: Iterable[list[list[Part]]],
    *,
    small_tokens: int,
    fits: Callable[[Sequence[Part]], bool],
) -> list[list[Part]]:
    """Join a small section to the previous one if both are under the same heading.

    The result is at most twice as long as a small section: a passage about one topic is found
    better than one about several, and its citation names the section.

    :param cut_sections: the runs of each section; only sections of a single run are joined.
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
    """The longest path shared by all the text; headings count only if there is no text."""
    paths = [part.path for part in parts if part.is_text] or [parts[-1].path]
    shortest = min(paths, key=len)
    for depth in range(len(shortest), 0, -1):
        if all(path[:depth] == shortest[:depth] for path in paths):
            return shortest[:depth]
    return ()
