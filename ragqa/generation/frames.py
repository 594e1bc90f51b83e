"""Recognise sentences that frame an answer but claim nothing: headings, rules, lead-ins."""

import re

MAX_WORDS = 10
"""A longer line makes a claim, whatever it ends with."""

_NUMBER = re.compile(r"\b\d")
_HEADING = re.compile(r"\*\*[^*]+\*\*:?|__[^_]+__:?")


def is_frame(text: str, lead: str, before: str) -> bool:
    """Whether a sentence without a citation only frames the answer.

    :param lead: the text between it and the previous sentence, `before`.
    """
    if not any(map(str.isalnum, text)):
        return True
    if len(text.split()) > MAX_WORDS or _NUMBER.search(text):
        return False
    heads_table = text.startswith("|") and not before.startswith("|")
    is_heading = "#" in lead or _HEADING.fullmatch(text) is not None
    return is_heading or heads_table or text.endswith((":", "\uff1a"))
