"""The only sanitiser: text from notes, names, errors and models, made safe for a terminal."""

import re

# C0 but tab and newline, DEL, C1, bidi overrides and isolates, Unicode tags, lone surrogates, the
# line and paragraph separators. Joiners and the marks U+200E and U+200F stay: scripts need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def safe_text(text: str) -> str:
    r"""Make every character that steers a terminal visible (`\x1b`); keep line breaks and tabs."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n").replace("\r", "\n"))


def safe_line(text: str) -> str:
    r"""The same for text that must stay on one line, such as a path: `\n` and `\t` show, too."""
    return _UNSAFE.sub(_visible, text).replace("\n", "\\n").replace("\t", "\\t")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
