"""The only sanitiser: makes text from notes, names, errors and models safe for a terminal."""

import re

# C0 except tab and newline, DEL, C1, line and paragraph separators, bidi overrides and isolates,
# deprecated format characters, interlinear annotation, Unicode tags, lone surrogates. Joiners and
# the marks U+200E and U+200F stay: scripts need them.
_STEERING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
# A variation selector belongs to the emoji, ideograph, digit or sign before it. After anything
# else it is invisible, and rows of them can carry hidden text that an LLM reads.
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_VARIED = "#*0-9\u00a9\u00ae\u1000-\u200a\u2010-\ufdff\ufe10-\U000dffff"
_UNSAFE = re.compile(f"[{_STEERING}{_SELECTORS}](?<![{_VARIED}][{_SELECTORS}])")


def safe_text(text: str) -> str:
    r"""Escape (`\x1b`) whatever controls a terminal or hides text; keep line breaks and tabs."""
    return _UNSAFE.sub(_visible, text.replace("\r\n", "\n").replace("\r", "\n"))


def safe_line(text: str) -> str:
    r"""The same for text that must stay on one line, such as a path: escapes `\n` and `\t`, too."""
    return _UNSAFE.sub(_visible, text).replace("\n", "\\n").replace("\t", "\\t")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
