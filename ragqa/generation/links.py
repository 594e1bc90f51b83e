"""Remove the targets of links that an LLM writes, but keep their labels."""

import re

REMOVED = "(link removed)"

# In code the same characters are a function call.
_MARKDOWN = re.compile(
    r"(?P<code>`[^`\n]*`)|!?\[(?P<label>[^\[\]\n]{0,300})\]"
    r"\((?:[^()\s]|\([^()\s]*\)){0,2000}(?:\s+[\"'][^\"'\n]{0,200}[\"'])?\)"
)
_ADDRESS = re.compile(
    r"<?\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|mailto:|data:)[^\s<>\"']*>?", re.IGNORECASE
)
_TRAILING = ".,;:!?)]}*_`"


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
