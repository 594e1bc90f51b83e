"""What is shown beside a passage's text."""

from ragqa.types import Passage


def context_of(passage: Passage) -> str:
    """What a passage's text lacks of its beginning: the labels of the columns of a cut table."""
    context = passage.units[0].full_context if passage.units else ""
    return "" if context in passage.text else context
