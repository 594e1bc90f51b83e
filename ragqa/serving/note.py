"""A note on a page: rendered as Markdown, with stretches marked, and nothing in it run or fetched.

Raw HTML is shown as text. Links lead to notes of the folder or, on a click, out; images come from
the folder only.
"""

import os
import posixpath
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from ragqa.api import Index
from ragqa.lookup import edited, edits_of_hidden
from ragqa.notes.formats import Document
from ragqa.notes.links import NoteNames
from ragqa.notes.markdown import with_tables
from ragqa.related import NoteLinks
from ragqa.safe import safe_text
from ragqa.saved import NOWHERE, SavedCitation
from ragqa.text.inline import link_words
from ragqa.text.sentences import has_lines
from ragqa.types import Block, Corpus, Note, NoteList, Span
from ragqa.verify import CurrentNote, in_note

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
    r"(?:(?:`{3,}|~{3,})[^`\n]*\n"
    r"|[ \t]*(?:[-*+>|#]+|\d{1,9}[.)]|\[[ xX]\])(?=[ \t]|$)|[ \t\n*_`~|]+)*"
)
_WIKILINK = re.compile(r"(!?)\[\[([^\[\]|\n#]*)(#[^\[\]|\n]*)?(?:\|([^\[\]\n]*))?\]\]")
_CALLOUT = re.compile(r"\[!([\w-]{1,30})\][+-]?[ \t]*")
_HIGHLIGHT = re.compile(r"==(?![=\s])((?:(?!==).)+)(?<!\s)==(?!=)", re.DOTALL)
UNREAD = {".canvas": "a canvas, which is not read", ".base": "a base, which is not read"}
_BLOCK_ID = re.compile(rf"(?<![^ \t])(\^[A-Za-z0-9-]+)([{_OPEN}{_CLOSE}]*)[ \t]*\Z")
_WHOLE_ROW = re.compile(f"{_OPEN}?[^{_OPEN}{_CLOSE}]*{_CLOSE}?")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.ASCII | re.IGNORECASE)
_NOT_IN_SLUG = re.compile(r"[^\w]+")

_LARGEST_RENDERED, _RENDERED_S = 300_000, 5
"""Characters, and seconds; a note that is longer, or takes longer, is shown as its source alone."""

_LONGEST_SENT = 2_000
"""Characters; of a longer quote the address has the beginning, since servers bound an address."""

Env = MutableMapping[str, Any]

Fields = dict[str, Any]
"""What a template or a document shows, by name."""

Quoted = tuple[Span, str]
"""Which characters of a note were quoted, and the quote."""


@dataclass(frozen=True)
class LinkedNotes(NoteLinks):
    """The notes of one generation of an index, what they link to, and the images of their folder.

    `images` gives the path of each image by its path and by its name, once that is needed.
    """

    listed: NoteList
    images: Callable[[], Mapping[str, str]] = dict

    @property
    def generation(self) -> str:
        """What differs from generation to generation of any index."""
        return f"{self.listed.info.generation} of {self.listed.info.created}"

    def image(self, name: str, source: str) -> str:
        """The path of the image that a note means: beside it, from the top, or by its name."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        ways = (beside, name.lstrip("/"), posixpath.basename(name))
        images = self.images()
        return next(filter(None, (images.get(way.casefold()) for way in ways)), beside)


def note_html(
    text: str,
    blocks: Sequence[Block],
    *,
    path: str,
    links: LinkedNotes,
    marks: Iterable[Span] = (),
    lines: bool = True,
) -> str:
    """Render a note's text.

    :param marks: the stretches to mark; the first is given the id "cited".
    :param lines: whether line breaks within paragraphs may be the author's own, and are kept.
    """
    source = _edited(text, blocks, marks)
    env = _no_marks_yet() | {
        "path": path, "links": links, "slugs": Counter[str](), "lines": lines,
        "until": time.monotonic() + _RENDERED_S,
    }  # fmt: skip
    try:
        return str(_parser().render(safe_text(source), env))
    except TimeoutError:
        return source_html(text, blocks, marks=marks)


def _no_marks_yet() -> dict[str, Any]:
    return {"open": False, "row": False, "ids": iter([' id="cited"'])}


def source_html(text: str, blocks: Sequence[Block], *, marks: Iterable[Span] = ()) -> str:
    """The exact text, escaped, with line numbers, and the same stretches marked."""
    env = _no_marks_yet()
    # At a carriage return browsers would break the line, but no line of the note ends.
    lines = safe_text(_edited(text, blocks, marks, exact=True).replace("\r", " ")).split("\n")
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
    slug = _slug(heading)
    seen[slug] += 1
    return slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"


def _slug(heading: str) -> str:
    # The page has ids of its own.
    kind = "b-" if heading.startswith("^") else "h-"
    return kind + _NOT_IN_SLUG.sub("-", heading.casefold()).strip("-")


def _edited(
    text: str, blocks: Sequence[Block], marks: Iterable[Span], *, exact: bool = False
) -> str:
    """The text with its marks, and without what is hidden."""
    text = _MARKS.sub("\ufffd", text)
    edits = [*edits_of_hidden(text, blocks)]
    for start, end in marks:
        inside = start if exact else _MARKUP_BEFORE.match(text, start, end).end()  # type: ignore[union-attr]  # it matches ""
        stop = end if exact else start + len(text[start:end].rstrip(" \t\n*_`~|"))
        if inside < stop:
            edits += [(inside, inside, _OPEN), (stop, stop, _CLOSE)]
    return edited(text, edits)


def _marked(text: str, env: Env) -> str:
    """Escaped text, each stretch between marks in an element of its own."""
    shown = []
    for piece in _MARKS.split(text):
        if piece in (_OPEN, _CLOSE):
            env["open"] = piece == _OPEN
        elif piece:
            inner, marks = escapeHtml(piece), env["open"] and not env["row"] and piece.strip()
            shown.append(f"<mark{next(env['ids'], '')}>{inner}</mark>" if marks else inner)
    return "".join(shown)


class _Renderer(RendererHTML):
    """Renders with marks, links within the folder, and callouts."""

    def text(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        parts, at, content = [], 0, tokens[i].content
        for link in _WIKILINK.finditer(content):
            parts.append(_marked(content[at : link.start()], env))
            parts.append(_wikilink(link, env))
            at = link.end()
        block_id = _BLOCK_ID.search(content, at) if i == len(tokens) - 1 else None
        if block_id:
            parts += [f'<a id="{_slug(block_id[1])}"></a>']
            content = content[: block_id.start()].rstrip() + block_id[2]
        return "".join([*parts, _marked(content[at:], env)])

    def softbreak(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        return "<mark>\n</mark>" if env["open"] else "\n"

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

    def list_item_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
    ) -> str:
        shown = super().list_item_open(tokens, idx, options, env)
        return shown.replace("<input", '<input aria-label="Task"', 1)

    def heading_open(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        words = "".join(child.content for child in tokens[i + 1].children or ())
        label = _next_slug(_MARKS.sub("", words), env["slugs"])
        return f'<{tokens[i].tag} id="{escapeHtml(label)}">'

    def table_open(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        # A wide table scrolls; so that keys can do that, too, it takes the focus.
        return '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'

    def tr_open(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        # Of a row that is cited as a whole, the row is marked, and no cell.
        row = takewhile(lambda token: token.type != "tr_close", islice(tokens, i, None))
        text = "".join(token.content for token in row if token.type == "inline")
        env["row"] = (env["open"] or text.startswith(_OPEN)) and bool(_WHOLE_ROW.fullmatch(text))
        return f'<tr class="cited"{next(env["ids"], "")}>\n' if env["row"] else "<tr>\n"

    def table_close(self, tokens: Sequence[Token], i: int, options: OptionsDict, env: Env) -> str:
        env["row"] = False
        return "</table></div>\n"


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "tasklists": True}
    parser = MarkdownIt("commonmark", options, renderer_cls=_Renderer)
    with_tables(parser).use(front_matter_plugin).use(footnote_plugin)
    parser.block.ruler.before("code", "in_time", _in_time, {"alt": ["paragraph", "list"]})
    parser.inline.ruler.before("text", "in_time", _in_time)
    parser.core.ruler.push("lines", _keep_lines)
    parser.core.ruler.push("callouts", _find_callouts)
    parser.inline.ruler.after("text", "highlight", _highlight)
    parser.add_render_rule("front_matter", lambda *_: "")
    return parser


def _in_time(state: Any, *_: object) -> bool:  # noqa: ANN401 - markdown-it's untyped state
    """Stop the parser, which asks this at each block, line and piece of text, when it is late.

    :raises TimeoutError: it is.
    """
    if time.monotonic() > state.env["until"]:
        raise TimeoutError
    return False


def _keep_lines(state: Any) -> None:  # noqa: ANN401 - markdown-it's untyped state
    """Keep the lines of a paragraph that its author, and no editor, broke into lines."""
    for token in state.tokens if state.env["lines"] else ():
        broken = token.children if token.type == "inline" and has_lines(token.content) else ()
        for child in broken:
            child.type = child.type.replace("softbreak", "hardbreak")


def _find_callouts(state: Any) -> None:  # noqa: ANN401 - markdown-it's untyped state
    """Give a callout its title, or its kind where it has none, as a paragraph of its own."""
    for quoted, paragraph, inline in zip(*(state.tokens[n:] for n in range(3))):  # noqa: B905 - the shortest ends it
        if quoted.type != "blockquote_open" or inline.type != "inline" or not inline.children:
            continue
        shown = inline.children
        callout = _CALLOUT.match(_MARKS.sub("", shown[0].content))
        if not callout:
            continue
        quoted.attrSet("class", "callout")
        paragraph.attrSet("class", "kind")
        shown[0].content = _CALLOUT.sub("", shown[0].content, count=1)
        end = next((n for n, child in enumerate(shown) if child.type.endswith("break")), len(shown))
        shown[end : end + 1] = [Token("html_inline", "", 0, content="</p>\n<p>")][
            : len(shown) - end
        ]
        if not any(_MARKS.sub("", child.content) or child.children for child in shown[:end]):
            shown.insert(end, Token("text", "", 0, content=callout[1].capitalize()))


def _highlight(state: Any, silent: bool) -> bool:  # noqa: ANN401, FBT001 - the parser's signature
    """Read what the note itself highlights: ==so==, where no space is inside the signs."""
    found = _HIGHLIGHT.match(state.src, state.pos, state.posMax)
    if not found or state.src[state.pos - 1 : state.pos] == "=":
        return False
    if not silent:
        end, state.posMax, state.pos = state.posMax, found.end(1), found.start(1)
        state.push("highlight_open", "mark", 1).attrSet("class", "own")
        state.md.inline.tokenize(state)
        state.push("highlight_close", "mark", -1)
        state.posMax = end
    state.pos = found.end()
    return True


def _wikilink(link: re.Match[str], env: Env) -> str:
    embeds, name, anchor, shown = link.groups(default="")
    label = _marked(shown.strip() or link_words(name + anchor), env)
    if embeds and posixpath.splitext(name.casefold())[1] in IMAGES:
        return _image(name, label, env)
    path = env["links"].names.path_of(name, env["path"]) if name else env["path"]
    if not path:
        unread = UNREAD.get(posixpath.splitext(name.casefold())[1])
        return f'<span class="missing">{label}{f" ({unread})" if unread else ""}</span>'
    return f'<a href="{_note_url(path, anchor.rpartition("#")[2])}">{label}</a>'


def _image(source: str, label: str, env: Env) -> str:
    path, _ = _parts(source)
    if _ELSEWHERE.match(source) or posixpath.splitext(path.casefold())[1] not in IMAGES:
        return f'<span class="missing">image: {escapeHtml(label or source)}</span>'
    path = env["links"].image(path, env["path"])
    return f'<img src="/image/{url_path(path)}" alt="{escapeHtml(label)}" loading="lazy">'


def _target(href: str, env: Env) -> str:
    path, fragment = _parts(href)
    if elsewhere := _ELSEWHERE.match(href):
        leads_out = elsewhere[0].casefold() in ("http:", "https:", "mailto:")
        out = f' href="{escapeHtml(href)}" rel="noopener noreferrer" target="_blank"'
        return out if leads_out else ""
    if not path:
        return f' href="#{escapeHtml(_slug(unquote(fragment)))}"' if fragment else ""
    if found := env["links"].names.path_of(path, env["path"]):
        return f' href="{_note_url(found, fragment)}"'
    unread = UNREAD.get(posixpath.splitext(path.casefold())[1])
    return ' class="missing"' + (f' title="{unread}"' if unread else "")


def _parts(link: str) -> tuple[str, str]:
    """The path and the fragment of a link, which need not be a valid URL."""
    path, _, fragment = link.partition("#")
    return path.partition("?")[0], fragment


def url_path(path: str) -> str:
    """A path as part of a URL; bytes that are not UTF-8 stay as they are."""
    return quote(os.fsencode(path))


def _note_url(path: str, anchor: str = "") -> str:
    fragment = f"#{_slug(unquote(anchor))}" if anchor else ""
    return escapeHtml(f"/note/{url_path(path)}{fragment}")


def links_of(index: Index) -> LinkedNotes:
    """The links among the notes of an index; found once for each generation of it."""
    info = index.snapshot().info
    return _links(index, info.generation, info.created)


@lru_cache(maxsize=2)
def _links(index: Index, *_: object) -> LinkedNotes:
    listed = index.notes(refresh=False)
    names, images = NoteNames.of(listed.notes), cache(partial(_images, index.places.corpus))
    return LinkedNotes({note.path: note for note in listed.notes}, names, listed, images)


def _images(corpus: Corpus) -> dict[str, str]:
    """The images of a folder by path and by name; of several with one name, the shortest path."""
    paths = []
    for prefix, top in corpus.prefixed:
        for folder, below, files in os.walk(top):
            below[:] = [name for name in below if not name.startswith(".")]
            inside = Path(folder).relative_to(top)
            images = (name for name in files if Path(name).suffix.lower() in IMAGES)
            paths += [prefix + (inside / name).as_posix() for name in images]
    by_name = {Path(path).name.casefold(): path for path in sorted(paths, key=len, reverse=True)}
    return by_name | {path.casefold(): path for path in paths}


def shown_note(note: Note, quotes: Sequence[Quoted], links: LinkedNotes) -> Fields:
    """A note, rendered and as its exact text, with these quotes marked in both.

    A quote is marked where it stands now. If the first is gone, the note says so and has no marks.
    """
    places = [_place_of(note, quoted) for quoted in quotes]
    has_changed = places[:1] == [None]
    marks = [] if has_changed else [place for place in places if place is not None]
    html = exact = source_html(note.text, note.blocks, marks=marks)
    if len(note.text) <= _LARGEST_RENDERED:
        html = note_html(note.text, note.blocks, path=note.path, links=links, marks=marks)
    first = [f"?{stretch(mark[0], note.text[slice(*mark)])}#cited" for mark in marks[:1]]
    return {
        "path": note.path, "version": note.sha256, "title": note.title, "date": note.date,
        "tags": note.tags, "has_changed": has_changed,
        "href": f"/note/{url_path(note.path)}{''.join(first)}",
        "html": Markup(html),  # noqa: S704 - both escape
        "source": Markup(exact.replace(' id="cited"', "")),  # noqa: S704 - it escapes
    }  # fmt: skip


def _place_of(note: Note, quoted: Quoted) -> Span | None:
    """Where a quote stands in a note now; None if the note no longer says it."""
    chars, quote = quoted
    if note.text[slice(*chars)] == quote:
        return chars
    current = CurrentNote(note.path, Document(note.text, state=note.state))
    checked = in_note(SavedCitation(1, note.path, NOWHERE, chars, quote), current)
    return checked.place.chars if checked and checked.is_sound and checked.place else None


def stretch(start: int, quote: str) -> str:
    """The query that names a quote: the note may change before anybody follows the link."""
    return urlencode({"from": start, "quote": quote[:_LONGEST_SENT]})
