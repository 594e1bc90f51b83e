"""The plain text of inline Markdown, as markdown-it reads it, with the markup of other tools."""

import re
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ragqa.text.shown import FIELD, LINE, TITLE, one_line
from ragqa.text.words import compiled, word_set

CUT = "\f"
"""Stands between two units of a block while it is read: white space, as mostly is there."""

_CELLS = "\x1f"
"""Stands between cells in HTML until white space is made even."""

_CODE_SPACE = "\ufdd1"
"""A space in code until then; a Unicode noncharacter."""

_BETWEEN = {_CELLS: " | ", TITLE: TITLE, FIELD: FIELD, LINE: LINE}
# White space other than a single space.
_SPACE = r"[^\S ]\s*| \s+"

MAX_NESTING = 60
"""Nested quotes and lists; deeper text is kept without its structure."""

MAX_INLINE_CHARS = 50_000
MAX_BRACKETS = 50_000
"""Each `[` costs up to 25 microseconds, whether or not it is a link."""

MAX_DEEP = 1_000
"""So many `[` may stand within more than `_DEEP` open ones: each costs as much again a level."""

_DEEP = 8
_BRACKET = r"[\[\]]|\n[ \t]*\n"
_MARKUP = r"[`\\&\[<{*_^]|==|\$\$|:[A-Za-z][\w-]*:|  [\r\n]"
"""What a text without has no markup of."""

_WIKILINK = r"!?\[\[([^\[\]\n]{1,500})\]\]"
# An embed within a sentence reads as a link. One that stands alone or after a lead-in brings its
# text instead, and one with a file's suffix is an image or the like.
_LINKED = r"!\[\[(?![^\]|#\n]*\.(?!md\b)[A-Za-z]\w{1,9}[ \t]*[\]|#])[^\]\n]+\]\]"
_BEFORE = r"[^\s.:!?\]#>|*+-]"
_IN_SENTENCE = rf"(?:(?<={_BEFORE})|(?<={_BEFORE}[ \t])){_LINKED}|{_LINKED}[ \t]*[^\s!^<%|]"
_STEP = r"[^#\s](?:[^#]*[^#\s])?"

# What Markdown has not, in this order: text that stays as it is, text without its marks, and what
# is not shown. A tag of Liquid such as `{% channel "help" %}` shows
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
_SHOWN = "is shown"
"""Set where text is read as it is shown; the links and tags of a note are CommonMark's."""
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
# A carriage return before a line feed, and the mark of a break that ends the text.
_UNREAD = r"\r(?=\n)|(?<!\\)\\\Z"
# Except for Python's, as in "pass **kwargs".
_UNPAIRED = r"(?<!\S)\*\*(?=\S)(?!\w*(?:args|opts|options|params)\b)|(?<=[^\s(])\*\*(?!\w)"


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """CommonMark with strikethrough, `[[wikilinks]]` and the markup of other tools."""
    made = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("strikethrough")
    made.inline.ruler.before("newline", "other", _other)
    made.inline.ruler.before("link", "wikilink", _wikilink)
    made.normalizeLinkText = lambda link: link  # type: ignore[method-assign]  # shown as written
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


def _wikilink(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = compiled(_WIKILINK).match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        # In a table the bar is written `\|`.
        target = match[1].partition("|")[0].removesuffix("\\").strip()
        is_embed = match[0][0] == "!"
        is_link = not is_embed or compiled(_IN_SENTENCE).match(state.src, state.pos)
        token = state.push("wikilink", "", 0)
        token.content = link_words(match[1]) if is_link else ""
        token.meta = {"target": target, "is_embed": is_embed}
    state.pos = match.end()
    return True


def link_words(link: str) -> str:
    """A link as Obsidian shows it: its label, or `note > heading`, or only the id of a block."""
    target, bar, label = link.rpartition("|")
    if bar and label.strip():
        return label
    steps = compiled(_STEP).findall(label or target.strip("|"))
    return " > ".join([step for step in steps if step[0] != "^"] or steps)


def _other(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    found = _SHOWN in state.env and compiled(_OTHER).match(state.src, state.pos, state.posMax)
    if not found:
        return False
    end, last = found.end(), state.posMax
    if silent:
        pass
    elif found["literal"]:
        state.pending += found[0]
    elif found["bold"] or found["reference"]:
        state.pos, state.posMax = found.span("bright" if found["bold"] else "label")
        state.md.inline.tokenize(state)
        state.posMax = last
    else:
        digits = (found["digits"] or "").translate(_SUPERSCRIPT)
        cells = _CELLS if found["cells"] else CUT * found[0].count(CUT)
        state.push("text", "", 0).content = digits or found["title"] or found["name"] or cells
    state.pos = end
    return True


def inline(source: str, *, lines: bool) -> str:
    """The plain text of inline Markdown, with white space as it stands, but `LINE` for line ends.

    :param lines: whether a line that ends ends where it is shown, too.
    """
    source = compiled(_UNREAD).sub("", source.strip(" \t\r\n"))
    if source.count("**") == 1:
        source = compiled(_UNPAIRED).sub("", source)
    if not compiled(_MARKUP).search(source) or _is_too_much(source):
        return source if lines else source.replace("\n", " ")
    return "".join(_shown(token, lines=lines) for token in _tokens(source))


def even(text: str) -> str:
    """A text with single spaces, or what ends a line, title or field, but for those in code."""

    def between(space: re.Match[str]) -> str:
        return next((shown for end, shown in _BETWEEN.items() if end in space[0]), " ")

    return compiled(_SPACE).sub(between, text).strip(" ").replace(_CODE_SPACE, " ")


def words_shown(text: str) -> str:
    """What is shown of some inline Markdown, on one line."""
    if not compiled(_MARKUP).search(text):
        return " ".join(text.split())
    return one_line(even(inline(text, lines=False)))


def embeds_in(source: str) -> tuple[str, ...]:
    """The links of the embeds in some inline Markdown."""
    if "![[" not in source or _is_too_much(source):
        return ()
    links = (token.meta for token in _tokens(source) if token.type == "wikilink")
    return tuple(link["target"] for link in links if link["is_embed"])


def _is_too_much(source: str) -> bool:
    """Whether reading some inline Markdown would take too long."""
    return len(source) > MAX_INLINE_CHARS or has_too_many_brackets(source)


def _tokens(source: str) -> list[Token]:
    tokens = list[Token]()
    parser().inline.parse(source, parser(), {_SHOWN: True}, tokens)
    return tokens


def _shown(token: Token, *, lines: bool) -> str:
    """What is shown of a token."""
    match token.type:
        case "text" | "wikilink":
            return token.content.replace("\n", " ")
        case "s_open" | "s_close":
            return token.markup
        case "text_special":
            return " " if token.content.isspace() else token.content
        case "code_inline":
            return compiled(r"[^\S\f]").sub(_CODE_SPACE, token.content)
        case "hardbreak":
            return LINE
        case "softbreak":
            return LINE if lines else " "
        case "html_inline":
            return _of_tag(token.content)
    return ""


def _of_tag(tag: str) -> str:
    """What is shown of an HTML tag: the end of a line, a space, or one that is a placeholder."""
    found = compiled(_TAG).fullmatch(tag)
    name = found[2].lower() if found else ""
    if name in _BLOCK_TAGS:
        return LINE
    if name in ("td", "th"):
        return " "
    is_shown = not tag.startswith(("<!", "<?")) and name not in _TAGS and "=" not in tag
    return tag.replace("\n", " ") if is_shown else ""
