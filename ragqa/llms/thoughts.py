"""What a reasoning model thinks before it answers, which many servers leave in the text."""

_MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""What such a text begins and ends with."""


class Thoughts:
    """Leaves thoughts out at the beginning of a text that comes in pieces, wherever it is cut.

    `found` says whether there were any.
    """

    def __init__(self) -> None:
        self.found = False
        self._held = ""
        self._until = ""
        self._is_answer = False

    def leave_out(self, piece: str) -> str:
        """What of the text so far, and not yet given, is the answer."""
        if self._is_answer:
            return piece
        self._held += piece
        while self._step():
            pass
        if not self._is_answer:
            return ""
        return self.rest()

    def rest(self) -> str:
        """At the end of the text: what was held back, and is the answer after all."""
        rest, self._held = self._held, ""
        return "" if self._until else rest

    def _step(self) -> bool:
        """Go past one mark; False where the text so far has no further one."""
        if self._until:
            _, mark, after = self._held.partition(self._until)
            if not mark:
                # No more is needed to know a mark that is cut.
                self._held = self._held[1 - len(self._until) :]
                return False
            self._held, self._until = after, ""
            return True
        start = self._held.lstrip()
        if self.found:
            self._held = start
        for opening, closing in _MARKS:
            if start.startswith(opening):
                self._held, self._until = start.removeprefix(opening), closing
                self.found = True
                return True
        self._is_answer = not any(opening.startswith(start) for opening, _ in _MARKS)
        return False
