"""Strip inline Markdown, and the markup of other tools in it."""

import re
from collections.abc import Callable
from html import unescape

from ragqa.text.seen import LINE_END, Look, Seen
from ragqa.text.words import word_set

_BREAK = "\v"
"""Stands for a hard line break."""

# Literal text, in this order: code, escaped characters, mathematics, entities.
_LITERALS = (
    r"(?s)(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<bar>\\\|)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<maths>\$\$.+?\$\$|(?<![\w$])\$(?=[^\s$])[^$\n]*[\\^_{}][^$\n]*(?<=\S)\$(?![\d$]))"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
)
_LITERAL_MARKS = frozenset("`\\$&")
_BREAK_MARKS = frozenset("\r\n\\")
# White space other than a single space.
_SPACE = r"[^\S ]\s*| \s+"

_HIDDEN_HTML = r"(?si)<!--.{0,3000}?-->|<(script|style)\b[^<>]*>.{0,9000}?</\1>"
_HIDDEN_LIQUID = r"(?s)\{%-?\s*comment\s*-?%\}.{0,3000}?\{%-?\s*endcomment\s*-?%\}"
# Liquid, Jinja and Hugo. A tag such as `{% channel "help" %}` shows its name or label.
_TEMPLATE_TAG = (
    r"(?s)\{%-?\s*(?!(?:include|page|link|image|render|layout|extends|block|asset|url)\b)"
    r"\w+\s+[\"'](?P<name>[^\"'/<>\n]{1,80})[\"']"
    r"(?:\s+[\"'](?P<label>[^\"'\n]{1,80})[\"'])?\s*-?%\}"
    r"|\{%.{0,500}?%\}|\$?\{\{.{0,500}?\}\}"
)
# kramdown, Pandoc and MkDocs: `{:.class}`, `{#id}`, `{ .lg }`.
_ATTRIBUTES = r"\{:[^{}\n]{0,200}\}|\{[ \t]*(?:\.[A-Za-z_-]|#+[\w-])[^{}\n]{0,200}\}"
_ICON = (
    r":(?:(?:fontawesome|material|octicons|simple|fa[bsr]?|mdi|bi|lucide)-[\w-]+"
    r"|(?:Li|Lu|Fa[bsr]|Ri|Bo|Tb)[A-Z]\w*):"
)
_IMAGE = r"!\[\[[^\]\n]*\]\]|!\[[^\[\]]*\](?:\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|\[[^\[\]]*\])"
# The mark of an embed within a sentence, which reads as a link. One that stands alone or after a
# lead-in brings its text instead, and one with a file's suffix is an image or the like.
_LINKED = r"\[\[(?![^\]|#\n]*\.(?!md\b)[A-Za-z]\w{1,9}[ \t]*[\]|#])[^\]\n]+\]\]"
_BEFORE = r"[^\s.:!?\]#>|*+-]"
_EMBED = rf"(?:(?<={_BEFORE})|(?<={_BEFORE}[ \t]))!(?={_LINKED})|!(?={_LINKED}[ \t]*[^\s!^<%|])"
_FOOTNOTE = r"(?m)(?:\A\s*|^[ \t]*)\[\^[^\]\s]{1,100}\]:[ \t]*|\[\^[^\]\s]{1,100}\]"
_WIKILINK = r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]+)\]\]"
_LINK = (
    r"\[((?:[^\[\]]|\[[^\[\]]{0,200}\]){0,1000})\]"
    r"\(\s*(?:<[^<>\n]*>|(?:[^()\s<]|\([^()\s]*\))*)(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
_REFERENCE = r"(?<![\w\])])\[([^\[\]]+)\]\[[^\[\]]*\]"
_AUTOLINK = r"<((?:https?|mailto):[^<>\s]+|[\w.+-]+@[\w-]+\.[\w.-]+)>"
_URL = r"https?://[^\s<>*]+"
_STRONG = r"(?s)\*\*(?=\S)(.{1,1000}?)(?<=\S)\*\*"
_STRONG_LINES = r"(?s)(?<!\w)__(?=\S)(.{1,1000}?)(?<=\S)__(?!\w)"
_HIGHLIGHT = r"(?s)(?<![\w=])==(?=[^\s=])(.{1,500}?)(?<=[^\s=])==(?![\w=])"
_EMPHASIS = r"(?s)(?<![\w*_])([*_])(?=\S)(.{1,1000}?)(?<=\S)\1(?![\w*_])"
# Except for Python's, as in "pass **kwargs".
_UNPAIRED = r"(?<!\S)\*\*(?=\S)(?!\w*(?:args|opts|options|params)\b)|(?<=[^\s(])\*\*(?!\w)"
_MAX_NESTING = 3
_BLOCK_ID = r"(?:(?<=\s)|\A)\^(?=[\w-]*[A-Za-z]|[\w-]{3})[A-Za-z0-9-]{2,}\s*\Z"
_HARD_BREAK = r"(?:(?<![ \t])[ \t]{2,}|\\)(?:\r\n|\r|\n)|\\\s*\Z"

_TAG = r"<(/?)([A-Za-z][A-Za-z0-9]*)(\s[^<>]*)?/?>"
_SUPERSCRIPT = r"(?i)<sup>([0-9+-]{1,6})</sup>"
TO_SUPERSCRIPT = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
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


def inline(seen: Seen, *, breaks: bool = False) -> Seen:
    """The plain text of one or more lines; inline code keeps its characters.

    :param breaks: whether to keep hard line breaks.
    """
    if not _LITERAL_MARKS.isdisjoint(seen.mask):
        seen = seen.sub(_LITERALS, _literal)
    if not _BREAK_MARKS.isdisjoint(seen.mask):
        seen = seen.sub(_HARD_BREAK, lambda here, found: here.group(found).instead(_BREAK))
    for needed, pattern, replace in _RULES:
        if needed in seen.mask:
            seen = seen.sub(pattern, replace)
    if seen.mask.count("**") == 1:
        # Its pair is in a sentence that is not shown.
        seen = seen.without(_UNPAIRED)
    for _ in range(_MAX_NESTING if "*" in seen.mask or "_" in seen.mask else 0):
        seen = seen.sub(_EMPHASIS, lambda here, found: here.group(found, 2).styled(Look.ITALIC))
    return one_line(seen, breaks=breaks)


def one_line(seen: Seen, *, breaks: bool = False) -> Seen:
    """The same with single spaces for white space, and newlines for hard line breaks."""
    seen = seen.strip()
    if " ".join(seen.mask.split()) == seen.mask:
        return seen
    lines = seen.split(rf"\s*{_BREAK}\s*") if breaks else [seen]
    return Seen.joined((line.sub(_SPACE, _space) for line in lines), "\n")


def _literal(seen: Seen, found: re.Match[str]) -> Seen:
    whole = seen.group(found)
    if found["code"]:
        code = seen.group(found, "code").sub(LINE_END, _space)
        if code.text[0] == code.text[-1] == " " and code.text.strip():
            code = code[1:-1]
        return code.literal().styled(Look.CODE)
    if found["maths"]:
        return whole.sub(LINE_END, _space).literal()
    if found["bar"]:
        return whole[1:]
    if found["escaped"]:
        return whole[1:].literal()
    decoded = whole.instead(unescape(found[0]))
    return decoded if decoded.text.isspace() else decoded.literal()


def _space(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found).instead(" ")


def _bold(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, 1).styled(Look.BOLD)


def _nothing(seen: Seen, found: re.Match[str]) -> Seen:  # noqa: ARG001 - as other rules
    return seen[:0]


def _label(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, 1)


def _url(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, found.re.groups).literal()


def _template_tag(seen: Seen, found: re.Match[str]) -> Seen:
    return seen.group(found, "label" if found["label"] else "name") if found["name"] else seen[:0]


def _wikilink(seen: Seen, found: re.Match[str]) -> Seen:
    target = seen.group(found, 1)
    return target if "|" in found[0] else _steps(target)


def _steps(target: Seen) -> Seen:
    steps = [step for each in target.split(r"#+") if (step := each.strip())]
    return Seen.joined([step for step in steps if step.text[0] != "^"] or steps, " > ")


def link_words(target: str) -> str:
    """The target of a link as Obsidian shows it, `note > heading`; the id of a block is left out.

    A link to a block of the same note shows its id, since it has no other words.
    """
    return _steps(Seen.of(target)).text


def _superscript(seen: Seen, found: re.Match[str]) -> Seen:
    """Superscript digits, since 10<sup>6</sup> is not 106."""
    digits = seen.group(found, 1)
    return Seen(digits.text.translate(TO_SUPERSCRIPT), digits.mask, digits.at, digits.looks)


def _tag(seen: Seen, found: re.Match[str]) -> Seen:
    whole, name = seen.group(found), found[2].lower()
    if name in _BLOCK_TAGS:
        return whole.instead(_BREAK)
    if name in ("td", "th"):
        return whole.instead(" ")
    return whole[:0] if name in _TAGS or "=" in (found[3] or "") else whole


_Replace = Callable[[Seen, re.Match[str]], Seen]
# Each with a string required for a match, since most texts have little markup.
_RULES: tuple[tuple[str, str, _Replace], ...] = (
    ("<", _HIDDEN_HTML, _nothing),
    ("{%", _HIDDEN_LIQUID, _nothing),
    ("{", _TEMPLATE_TAG, _template_tag),
    ("{", _ATTRIBUTES, _nothing),
    (":", _ICON, _nothing),
    ("![[", _EMBED, _nothing),
    ("![", _IMAGE, _nothing),
    ("[^", _FOOTNOTE, _nothing),
    ("[[", _WIKILINK, _wikilink),
    ("](", _LINK, _label),
    ("][", _REFERENCE, _label),
    ("<", _AUTOLINK, _url),
    ("<", _SUPERSCRIPT, _superscript),
    ("<", _TAG, _tag),
    ("://", _URL, _url),
    ("^", _BLOCK_ID, _nothing),
    ("**", _STRONG, _bold),
    ("__", _STRONG_LINES, _bold),
    ("==", _HIGHLIGHT, _bold),
)
