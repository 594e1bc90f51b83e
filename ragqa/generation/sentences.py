"""Sentences of a written answer: which ones claim something, their links and citation numbers."""

import re
from collections.abc import Collection, Sequence

from ragqa.generation.draft import Drafted
from ragqa.text.seen import set_apart
from ragqa.types import WrittenSentence

REMOVED = "(link removed)"

MAX_FRAME_WORDS = 10
"""A longer line makes a claim, whatever it ends with."""

_NUMBER = re.compile(r"\b\d")
_HEADING = re.compile(r"\*\*[^*]+\*\*:?|__[^_]+__:?")

# In code the same characters are a function call.
_MARKDOWN = re.compile(
    r"(?P<code>`[^`\n]*`)|!?\[(?P<label>[^\[\]\n]{0,300})\]"
    r"\((?:[^()\s]|\([^()\s]*\)){0,2000}(?:\s+[\"'][^\"'\n]{0,200}[\"'])?\)"
)
_ADDRESS = re.compile(
    r"<?\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:|data:)[^\s<>\"']*>?", re.IGNORECASE
)
_TRAILING = ".,;:!?)]}*_`"


def is_frame(text: str, lead: str, before: str) -> bool:
    """Whether a sentence without a citation claims nothing: a heading, a rule, a lead-in.

    :param lead: the text between it and the previous sentence, `before`.
    """
    if not any(map(str.isalnum, text)):
        return True
    if len(text.split()) > MAX_FRAME_WORDS or _NUMBER.search(text):
        return False
    heads_table = text.startswith("|") and not before.startswith("|")
    is_heading = "#" in lead or _HEADING.fullmatch(text) is not None
    return is_heading or heads_table or text.endswith((":", "\uff1a"))


def without_links(text: str, given: str) -> str:
    """Replace links with their labels, and remove URLs that were not given.

    :param given: the LLM's input; URLs in it may be repeated.
    """
    if not text.startswith(("```", "~~~")):
        text = _MARKDOWN.sub(lambda found: found["code"] or found["label"] or "", text)
    return _ADDRESS.sub(lambda found: _known(found, given), text)


def _known(found: re.Match[str], given: str) -> str:
    address = found[0].strip("<>").rstrip(_TRAILING)
    trailing = found[0].rstrip(">")[len(found[0].rstrip(">").rstrip(_TRAILING)) :]
    return found[0] if address and address in given else f"{REMOVED}{trailing}"


def text_of(sentences: Sequence[WrittenSentence]) -> str:
    """The answer's text, each sentence with its citation numbers."""
    return "".join(f"{one.lead}{cited_text(one)}" for one in sentences)


def cited_text(sentence: WrittenSentence) -> str:
    """A sentence with its citation numbers, which go on a new line after a code block."""
    left = [f"[{n}]" for n in sentence.citations if f"[{n}]" not in sentence.text]
    between = "\n" if "\n" in sentence.text else " "
    return between.join([sentence.text, " ".join(left)]) if left else sentence.text


def with_marks(drafted: Drafted, known: Collection[int]) -> str:
    """A sentence with the known citation numbers put back inside it, and no others in brackets."""
    pieces: list[str] = []
    start = 0
    for place, numbers in drafted.within:
        before = drafted.text[start:place]
        marks = " ".join(f"[{n}]" for n in numbers if n in known)
        space = " " if marks and (before or pieces) and not before.endswith((" ", "(")) else ""
        after = " " if marks and drafted.text[place : place + 1].isalnum() else ""
        pieces += [set_apart(before), space, marks, after]
        start = place
    return "".join([*pieces, set_apart(drafted.text[start:])])
