"""A note as HTML: rendered as Markdown, with stretches marked, and nothing in it run or fetched.

Raw HTML is shown as text. Links lead to notes of the folder or, on a click, out; images come from
the folder only.
"""

import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from ragqa.getting import edits_of_hidden
from ragqa.notes.links import NoteNames
from ragqa.safe import safe_text
from ragqa.text.markdown import link_words
from ragqa.types import Block, Span

IMAGES = {
    ".avif": "image/avif", ".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
    ".png": "image/png", ".webp": "image/webp",
}  # fmt: skip
"""The images that are shown, by suffix. SVG is not among them, since it can run scripts."""

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKS = re.compile(f"([{_OPEN}{_CLOSE}])")
_MARKS_IN_URL = re.compile("%EE%80%8[01]", re.IGNORECASE)
# What a mark must not be put before, since it would no longer be Markdown.
_MARKUP_BEFORE = re.compile(
    r"(?:[ \t]*(?:[-*+>|#]+|\d{1,9}[.)]|\[[ xX]\])(?=[ \t]|$)|[ \t\n*_`~|]+)*"
)
_WIKILINK = re.compile(r"(!?)\[\[([^\[\]|\n#]*)(#[^\[\]|\n]*)?(?:\|([^\[\]\n]*))?\]\]")
_CALLOUT = re.compile(r"\[!([\w-]{1,30})\][+-]?[ \t]*")
_BLOCK_ID = re.compile(rf"(?<![^ \t])(\^[A-Za-z0-9-]+)([{_OPEN}{_CLOSE}]*)[ \t]*\Z")
_NOT_IN_SLUG = re.compile(r"[^\w]+")

_MOST_FOOTNOTES = 500
"""The parser of footnotes takes time in the square of their number."""

# It ends a line that does not count as one.
_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")

Env = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Names(NoteNames):
    """Finds the notes and images that links mean.

    `images` gives the path of each image by its path and its name: only a page with images needs
    it.
    """

    images: Callable[[], Mapping[str, str]] = dict

    def image(self, name: str, source: str) -> str:
        """The path of the image that a note means: beside it, from the top, or by its name."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        ways = (beside, name.lstrip("/"), posixpath.basename(name))
        images = self.images()
        found = (images.get(way.casefold()) for way in ways)
        return next(filter(None, found), beside)


def note_html(
    text: str,
    blocks: Sequence[Block],
    *,
    path: str,
    names: Names,
    marks: Iterable[Span] = (),
) -> str:
    """Render a note's text.

    :param marks: the stretches to mark; the first is given the id "cited".
    """
    source = _edited(text, blocks, marks)
    env: Env = {
        "open": False, "seen": False, "path": path, "names": names, "slugs": Counter[str](),
    }  # fmt: skip
    footnotes = source.count("[^") + source.count("^[") <= _MOST_FOOTNOTES
    return str(_parser(footnotes=footnotes).render(safe_text(source), env))


def source_html(text: str, blocks: Sequence[Block], *, marks: Iterable[Span] = ()) -> str:
    """The exact text, escaped, with line numbers, and the same stretches marked."""
    env: Env = {"open": False, "seen": False}
    edited = _CARRIAGE_RETURN.sub(" ", _edited(text, blocks, marks, exact=True))
    lines = safe_text(edited).split("\n")
    rows = (
        f'<span class="line" id="L{n}">{_marked(line, env) or " "}</span>'
        for n, line in enumerate(lines, start=1)
    )
    return f'<pre class="source">{"".join(rows)}</pre>'


def slugs(headings: Iterable[str]) -> list[str]:
    """The fragments that link to the headings of a note, in order."""
    seen = Counter[str]()
    return [_next_slug(heading, seen) for heading in headings]


def _next_slug(heading: str, seen: Counter[str]) -> str:
    """The fragment of a heading; a further one with the same words is numbered."""
    own = _slug(heading)
    seen[own] += 1
    return own if seen[own] == 1 else f"{own}-{seen[own]}"


def _slug(heading: str) -> str:
    # The page has ids of its own.
    kind = "b-" if heading.startswith("^") else "h-"
    return kind + _NOT_IN_SLUG.sub("-", heading.casefold()).strip("-")


def _edited(
    text: str, blocks: Sequence[Block], marks: Iterable[Span], *, exact: bool = False
) -> str:
    """The text with its marks, and without what is hidden."""
    edits = [*edits_of_hidden(text, blocks)]
    for start, end in marks:
        inside = start if exact else _MARKUP_BEFORE.match(text, start, end).end()  # type: ignore[union-attr]  # it matches ""
        stop = end if exact else start + len(text[start:end].rstrip(" \t\n*_`~|"))
        if inside < stop:
            edits += [(inside, inside, _OPEN), (stop, stop, _CLOSE)]
    parts, at = [], 0
    for start, end, new in sorted(edits):
        if start >= at:
            parts += [_without_marks(text[at:start]), new]
            at = end
    return "".join([*parts, _without_marks(text[at:])])


def _without_marks(text: str) -> str:
    return _MARKS.sub("\ufffd", text)


def _marked(text: str, env: Env) -> str:
    """Escaped text, each stretch between marks in an element of its own."""
    shown = []
    for piece in _MARKS.split(text):
        if piece in (_OPEN, _CLOSE):
            env["open"] = piece == _OPEN
        elif piece:
            inner = escapeHtml(piece)
            shown.append(_mark(inner, env) if env["open"] and piece.strip() else inner)
    return "".join(shown)


def _mark(inner: str, env: Env) -> str:
    first = "" if env["seen"] else ' id="cited"'
    env["seen"] = True
    return f"<mark{first}>{inner}</mark>"


class _Renderer(RendererHTML):
    """Renders with marks, links within the folder, and callouts."""

    def text(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        parts, at, content = [], 0, tokens[i].content
        for found in _WIKILINK.finditer(content):
            parts.append(_marked(content[at : found.start()], env))
            parts.append(_wikilink(found, env))
            at = found.end()
        block_id = _BLOCK_ID.search(content, at) if i == len(tokens) - 1 else None
        if block_id:
            parts += [f'<a id="{_slug(block_id[1])}"></a>']
            content = content[: block_id.start()].rstrip() + block_id[2]
        return "".join([*parts, _marked(content[at:], env)])

    def softbreak(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        return _mark("\n", env) if env["open"] else "\n"

    def code_inline(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        return f"<code>{_marked(tokens[i].content, env)}</code>"

    def code_block(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        return f"<pre><code>{_marked(tokens[i].content, env)}</code></pre>\n"

    def fence(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        return self.code_block(tokens, i, options, env)

    def image(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        source = _MARKS_IN_URL.sub("", str(tokens[i].attrs.get("src", "")))
        return _image(unquote(source), _MARKS.sub("", tokens[i].content), env)

    def link_open(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        href = _MARKS_IN_URL.sub("", str(tokens[i].attrs.get("href", "")))
        return f"<a{_target(href, env)}>"

    def heading_open(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        words = "".join(child.content for child in tokens[i + 1].children or ())
        label = _next_slug(_MARKS.sub("", words), env["slugs"])
        return f'<{tokens[i].tag} id="{escapeHtml(label)}">'

    def blockquote_open(
        self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env
    ) -> str:
        kind = str(tokens[i].meta.get("callout", ""))
        if not kind:
            return "<blockquote>\n"
        return f'<blockquote class="callout"><p class="kind">{escapeHtml(kind)}</p>\n'


@cache
def _parser(*, footnotes: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.use(front_matter_plugin).use(tasklists_plugin, label=True)
    if footnotes:
        parser.use(footnote_plugin)
    parser.core.ruler.push("callouts", _find_callouts)
    parser.add_render_rule("front_matter", lambda *_: "")
    return parser


def _find_callouts(state: Any) -> None:  # noqa: ANN401 - markdown-it's untyped state
    """Note the kind of a callout at its block quote; its title is a line of its own."""
    for at, token in enumerate(state.tokens[:-2]):
        inline = state.tokens[at + 2]
        if token.type == "blockquote_open" and inline.type == "inline" and inline.children:
            first = inline.children[0]
            found = _CALLOUT.match(_MARKS.sub("", first.content))
            if found:
                token.meta["callout"] = found[1].casefold()
                first.content = _CALLOUT.sub("", first.content, count=1)
                breaks = (child for child in inline.children if child.type == "softbreak")
                if end_of_title := next(breaks, None):
                    end_of_title.type, end_of_title.tag = "hardbreak", "br"


def _wikilink(found: re.Match[str], env: Env) -> str:
    embeds, name, anchor, shown = found.groups(default="")
    label = _marked(shown.strip() or link_words(name + anchor), env)
    if embeds and posixpath.splitext(name.casefold())[1] in IMAGES:
        return _image(name, label, env)
    path = env["names"].path_of(name, env["path"]) if name else env["path"]
    if not path:
        return f'<span class="missing">{label}</span>'
    return f'<a href="{_note_url(path, anchor.rpartition("#")[2])}">{label}</a>'


def _image(source: str, label: str, env: Env) -> str:
    parts = urlsplit(source)
    suffix = posixpath.splitext(parts.path.casefold())[1]
    if parts.scheme or parts.netloc or suffix not in IMAGES:
        return f'<span class="missing">image: {escapeHtml(label or source)}</span>'
    path = env["names"].image(parts.path, env["path"])
    return f'<img src="/image/{url_path(path)}" alt="{escapeHtml(label)}" loading="lazy">'


def _target(href: str, env: Env) -> str:
    parts = urlsplit(href)
    if parts.scheme in ("http", "https", "mailto"):
        return f' href="{escapeHtml(href)}" rel="noopener noreferrer" target="_blank"'
    if parts.scheme or parts.netloc:
        return ""
    if not parts.path:
        return f' href="#{escapeHtml(_slug(unquote(parts.fragment)))}"' if parts.fragment else ""
    path = env["names"].path_of(parts.path, env["path"])
    return f' href="{_note_url(path, parts.fragment)}"' if path else ' class="missing"'


def url_path(path: str) -> str:
    """A path as part of a URL; bytes that are not UTF-8 stay as they are."""
    return quote(os.fsencode(path))


def _note_url(path: str, anchor: str = "") -> str:
    fragment = f"#{_slug(unquote(anchor))}" if anchor else ""
    return escapeHtml(f"/note/{url_path(path)}{fragment}")
