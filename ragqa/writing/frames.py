"""What frames an answer and claims nothing: headings, rules, the head of a table, lead-ins."""

import re

MOST_WORDS = 10
"""A longer line says something, whatever it ends with."""

_NUMBER = re.compile(r"\b\d")
_HEADING = re.compile(r"\*\*[^*]+\*\*:?|__[^_]+__:?")


def is_frame(text: str, lead: str, before: str) -> bool:
    """Whether a sentence without a citation is there for its form alone.

    :param lead: what stands between it and the sentence before, which is `before`.
    """
    if not any(map(str.isalnum, text)):
        return True
    if len(text.split()) > MOST_WORDS or _NUMBER.search(text):
        return False
    heads_table = text.startswith("|") and not before.startswith("|")
    is_heading = "#" in lead or _HEADING.fullmatch(text) is not None
    return is_heading or heads_table or text.endswith((":", "\uff1a"))
