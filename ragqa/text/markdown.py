"""Inline Markdown as markdown-it reads it, with the markup of other tools: what is shown of it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ragqa.text.shown import Shown, shown
from ragqa.text.words import compiled, word_set
from ragqa.types import Kind, Look, Seam, Slice, Span, Unit

MAX_NESTING = 60
"""Nested quotes and lists; deeper text is kept without its structure."""

MAX_INLINE_CHARS = 50_000
MAX_BRACKETS = 50_000
"""Each `[` costs up to 25 microseconds, whether or not it is a link."""

MAX_DEEP = 1_000
"""So many `[` may stand within more than `_DEEP` open ones: each costs as much again a level."""

_DEEP = 8
_BRACKET = r"[\[\]]|\n[ \t]*\n"
_MARKUP = r"[`\\&\[<{*_^]|==|:[A-Za-z][\w-]*:|  [\r\n]"
"""What a text without has no markup of."""

_WIKILINK = r"!?\[\[([^\[\]\n]{1,500})\]\]"
# An embed within a sentence reads as a link. One that stands alone or after a lead-in brings its
# text instead, and one with a file's suffix is an image or the like.
_LINKED = r"!\[\[(?![^\]|#\n]*\.(?!md\b)[A-Za-z]\w{1,9}[ \t]*[\]|#])[^\]\n]+\]\]"
_BEFORE = r"[^\s.:!?\]#>|*+-]"
_IN_SENTENCE = rf"(?:(?<={_BEFORE})|(?<={_BEFORE}[ \t])){_LINKED}|{_LINKED}[ \t]*[^\s!^<%|]"
_STEP = r"[^#\s](?:[^#]*[^#\s])?"

# What Markdown has not, in this order: text that stays as it is, text with another style or
# without its marks, and what is not shown. A tag of Liquid such as `{% channel "help" %}` shows
# its name or label; attributes are those of kramdown, Pandoc and MkDocs: `{:.class}`, `{#id}`.
_OTHER = (
    r"(?s:(?P<literal>\$\$.+?\$\$|(?<![\w$])\$(?=[^\s$])[^$\n]*[\\^_{}][^$\n]*(?<=\S)\$(?![\d$])"
    r"|(?:(?<=http)|(?<=https))://[^\s<>*\[\]`]+|(?<=[A-Za-z0-9])\*(?=[A-Za-z0-9]))"
    r"|(?P<bold>(?<![\w=])==(?=[^\s=])(?P<bright>.{1,500}?)(?<=[^\s=])==(?![\w=]))"
    r"|(?P<reference>(?<![\w\])])\[(?P<label>[^\[\]]+)\]"
    r"(?:\[[^\[\]]*\]|\(\{[{%].{0,500}?[%}]\}\)))"
    r"|(?P<above>(?i:<sup>(?P<digits>[0-9+-]{1,6})</sup>))"
    r"|(?P<cells>(?i:</t[dh]>\s*(?=<t[dh]\b)))"
    r"|(?P<hidden>!\[[^\[\]]*\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]]*\])"
    r"|(?i:<(?P<tag>script|style)\b[^<>]*>.{0,9000}?</(?P=tag)>)"
    r"|\{%-?\s*comment\s*-?%\}.{0,3000}?\{%-?\s*endcomment\s*-?%\}"
    r"|\{:[^{}\n]{0,200}\}|\{[ \t]*(?:\.[A-Za-z_-]|#+[\w-])[^{}\n]{0,200}\}"
    r"|:(?:(?:fontawesome|material|octicons|simple|fa[bsr]?|mdi|bi|lucide)-[\w-]+"
    r"|(?:Li|Lu|Fa[bsr]|Ri|Bo|Tb)[A-Z]\w*):"
    r"|\*{4}(?!\*)|(?m:^)\[\^[^\]\s]{1,100}\]:[ \t]*|\[\^[^\]\s]{1,100}\]"
    r"|(?:(?<=\s)|\A)\^(?=[\w-]*[A-Za-z]|[\w-]{3})[A-Za-z0-9-]{2,}\s*\Z)"
    r"|(?P<template>"
    r"\{%-?\s*(?!(?:include|page|link|image|render|layout|extends|block|asset|url)\b)"
    r"\w+\s+[\"'](?P<name>[^\"'/<>\n]{1,80})[\"'](?:\s+[\"'](?P<title>[^\"'\n]{1,80})[\"'])?\s*-?%\}"
    r"|\{%.{0,500}?%\}|\$?\{\{.{0,500}?\}\}))"
)
_SUPERSCRIPT = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_TAG = r"<(/?)([A-Za-z][A-Za-z0-9]*)(\s[^<>]*)?/?>"
_BLOCK_TAGS = word_set(
    """
    address article aside blockquote br caption center dd details div dl dt fieldset
    figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section
    summary table tbody tfoot thead tr ul
    """
)
# Others with no attribute, such as `<name>` and `<path>`, are placeholders.
_TAGS = _BLOCK_TAGS | word_set(
    """
    a abbr audio b bdi bdo big blink button canvas cite code col colgroup dfn em embed font
    i iframe img input ins kbd label mark nobr picture q rp rt ruby samp select small span strong
    sub sup svg td textarea th tt u video wbr
    """
)
_LOOKS = {"em": Look.ITALIC, "strong": Look.BOLD, "mark": Look.BOLD}

# A carriage return before a line feed, and the mark of a break that ends the text.
_UNREAD = r"\r(?=\n)|(?<!\\)\\\Z"
# Except for Python's, as in "pass **kwargs".
_UNPAIRED = r"(?<!\S)\*\*(?=\S)(?!\w*(?:args|opts|options|params)\b)|(?<=[^\s(])\*\*(?!\w)"


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """CommonMark with strikethrough, `[[wikilinks]]` and the markup of other tools."""
    made = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("strikethrough")
    made.inline.ruler.before("text", "step", _step)
    made.inline.ruler.before("newline", "other", _other)
    made.inline.ruler.before("link", "wikilink", _wikilink)
    # It would join tokens that begin in several places.
    made.inline.ruler2.disable("fragments_join")
    return made


def has_too_many_brackets(text: str) -> bool:
    """Whether reading the links of a text would take minutes."""
    count = text.count("[")
    if not MAX_DEEP < count <= MAX_BRACKETS:
        return count > MAX_BRACKETS
    depth = deep = 0
    for bracket in compiled(_BRACKET).findall(text):
        # No link goes on beyond a blank line.
        depth = depth + 1 if bracket == "[" else max(0, depth - 1) if bracket == "]" else 0
        deep += bracket == "[" and depth > _DEEP
    return deep > MAX_DEEP


class _State(StateInline):
    """The state of the parser, which also keeps where each token begins: `starts`."""

    def __init__(self, text: str) -> None:
        self.starts: list[int] = []
        self.text_from = self.before = 0
        super().__init__(text, parser(), {}, [])

    def step(self) -> None:
        """Keep where the tokens begin that were made since the last step."""
        at = self.before
        for number, token in enumerate(self.tokens[len(self.starts) :]):
            is_text = token.type == "text"
            if is_text and not number and self.text_from < self.before:
                self.starts.append(self.text_from)
                continue
            self.starts.append(at)
            at += len(token.content) * is_text
        if not self.pending:
            self.text_from = self.pos
        self.before = self.pos


def _step(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    if not silent and isinstance(state, _State):
        state.step()
    return False


def _wikilink(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = compiled(_WIKILINK).match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        # In a table the bar is written `\|`.
        target = match[1].partition("|")[0].removesuffix("\\").strip()
        is_link = match[0][0] != "!" or compiled(_IN_SENTENCE).match(state.src, state.pos)
        spans = _link_spans(match[1]) if is_link else []
        token = state.push("wikilink", "", 0)
        token.meta = {"target": target, "start": match.start(1), "spans": spans}
    state.pos = match.end()
    return True


def _link_spans(link: str) -> list[Span]:
    """The characters of a link that are shown: its label, or the steps of its target."""
    target, bar, label = link.rpartition("|")
    if bar and label.strip():
        return [(len(target) + 1, len(link))]
    steps = [step.span() for step in compiled(_STEP).finditer(label or target.strip("|"))]
    return [span for span in steps if link[span[0]] != "^"] or steps


def link_words(target: str) -> str:
    """The target of a link as Obsidian shows it, `note > heading`; the id of a block is left out.

    A link to a block of the same note shows its id, since it has no other words.
    """
    return " > ".join(target[start:end] for start, end in _link_spans(target))


def _other(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    is_read = isinstance(state, _State)
    found = is_read and compiled(_OTHER).match(state.src, state.pos, state.posMax)
    if not found:
        return False
    end, last = found.end(), state.posMax
    if silent:
        pass
    elif found["literal"]:
        state.pending += found[0]
    elif found["bold"] or found["reference"]:
        kind = "mark" if found["bold"] else "link"
        state.push(f"{kind}_open", "", 1)
        state.pos, state.posMax = found.span("bright" if found["bold"] else "label")
        state.md.inline.tokenize(state)
        state.posMax = last
        state.push(f"{kind}_close", "", -1)
    else:
        token = state.push("other", "", 0)
        inner = "digits" if found["above"] else "title" if found["title"] else "name"
        text = (found["digits"] or "").translate(_SUPERSCRIPT) or (
            Seam.CELLS if found["cells"] else None
        )
        token.meta = {"span": found.span(inner) if found[inner] else found.span(), "text": text}
        token.meta |= {"is_shown": bool(text or found["name"])}
    state.pos = end
    return True


def placed(source: Shown, slices: Iterable[Slice] = ()) -> Iterator[Slice]:
    """Slices of a text, or all of it, by the characters of the note."""
    for one in slices or [Slice(0, len(source.text))]:
        if one.text is not None or isinstance(source.at, range):
            yield one._replace(start=source.at[one.start], end=source.at[one.end - 1] + 1)
            continue
        start = one.start
        for at in range(one.start + 1, one.end + 1):
            if at == one.end or source.at[at] != source.at[at - 1] + 1:
                yield Slice(source.at[start], source.at[at - 1] + 1, one.look)
                start = at


def inline(source: Shown, *, lines: bool) -> list[Slice]:
    """What is shown of inline Markdown.

    :param lines: whether a line that ends ends where it is shown, too.
    """
    source = source.strip().without(_UNREAD)
    if source.text.count("**") == 1:
        source = source.without(_UNPAIRED)
    if not source:
        return []
    is_plain = not compiled(_MARKUP).search(source.text) and not (lines and "\n" in source.text)
    is_long = len(source.text) > MAX_INLINE_CHARS
    if is_plain or is_long or has_too_many_brackets(source.text):
        return list(placed(source))
    state = _State(source.text)
    parser().inline.tokenize(state)
    state.step()
    for rule in parser().inline.ruler2.getRules(""):
        rule(state)
    found = list[Slice]()
    for one in _of_tokens(state, lines=lines):
        if one.start == one.end and one.text is None:
            continue  # a mark that its pair was found for
        last = found[-1] if found else None
        is_more = last and one.text is last.text is None and one.look == last.look
        if last and is_more and not source.text[last.end : one.start].strip():
            found[-1] = last._replace(end=one.end)
        else:
            found.append(one)
    return list(placed(source, found)) if found else []


def words_shown(text: str) -> str:
    """What is shown of some inline Markdown, on one line."""
    if not compiled(_MARKUP).search(text):
        return " ".join(text.split())
    slices = tuple(inline(Shown.of(text), lines=False))
    return shown(Unit(Kind.PARAGRAPH, 0, len(text), slices=slices), text).text


def _of_tokens(state: _State, *, lines: bool) -> Iterator[Slice]:
    """What is shown of each token, with white space as it stands."""
    look = 0
    before, began = Token("", "", 0), 0
    for token, at in zip(state.tokens, state.starts, strict=True):
        name, _, side = token.type.rpartition("_")
        if name in _LOOKS:
            look = look | _LOOKS[name] if side == "open" else look & ~_LOOKS[name]
        elif before.type == "link_open" and before.info == "auto":
            # The address between <> is as it stands, however the parser shows it.
            yield Slice(began + 1, state.src.index(">", began), look)
        else:
            for one in _of_token(token, at, state.src, lines=lines):
                yield one._replace(look=one.look | look)
        before, began = token, at


def _of_token(token: Token, at: int, text: str, *, lines: bool) -> Iterator[Slice]:
    markup, content = len(token.markup), token.content
    match token.type:
        case "text" | "s_open" | "s_close":
            yield Slice(at, at + (len(content) or markup))
        case "text_special" if token.info == "escape":
            yield Slice(at + markup - len(content), at + markup)
        case "text_special":
            yield Slice(at, at + markup, 0, " " if content.isspace() else content)
        case "code_inline":
            start = at + markup
            start += text[start : start + len(content)].replace("\n", " ") != content
            yield Slice(start, start + len(content), Look.CODE)
        case "hardbreak" | "softbreak":
            is_kept = lines or token.type == "hardbreak"
            yield Slice(at, at + 1, 0, Seam.LINE if is_kept else None)
        case "html_inline":
            yield from _of_tag(content, at)
        case "wikilink":
            yield from _of_link(token.meta, is_embed=text[at] == "!")
        case "other" if token.meta["is_shown"]:
            start, end = token.meta["span"]
            yield Slice(start, end, 0, token.meta["text"])


def _of_link(link: Mapping[str, Any], *, is_embed: bool) -> Iterator[Slice]:
    """The target of an embed, which is not shown, and what is shown of a link."""
    begin = link["start"]
    if is_embed:
        yield Slice(begin, begin + len(link["target"]), Look.EMBED, "")
    for step, (start, end) in enumerate(link["spans"]):
        if step:
            yield Slice(begin + start - 1, begin + start, 0, " > ")
        yield Slice(begin + start, begin + end)


def _of_tag(tag: str, at: int) -> Iterator[Slice]:
    """What is shown of an HTML tag: the end of a line, a space, or one that is a placeholder."""
    found = compiled(_TAG).fullmatch(tag)
    name = found[2].lower() if found else ""
    if name in _BLOCK_TAGS:
        yield Slice(at, at + len(tag), 0, Seam.LINE)
    elif name in ("td", "th"):
        yield Slice(at, at + len(tag), 0, " ")
    elif not tag.startswith(("<!", "<?")) and name not in _TAGS and "=" not in tag:
        yield Slice(at, at + len(tag))
