"""Remove a model's reasoning, which many servers leave in the text before the answer."""

_MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""How reasoning begins and ends."""


class Thoughts:
    """Removes reasoning from the beginning of a text in pieces, wherever the cuts are.

    `found` says whether there was any.
    """

    def __init__(self) -> None:
        self.found = False
        self._held = ""
        self._until = ""
        self._is_answer = False

    def leave_out(self, piece: str) -> str:
        """The answer's text so far that was not returned before."""
        if self._is_answer:
            return piece
        self._held += piece
        while self._step():
            pass
        if not self._is_answer:
            return ""
        return self.rest()

    def rest(self) -> str:
        """At the end: text that was held back but belongs to the answer."""
        rest, self._held = self._held, ""
        return "" if self._until else rest

    def _step(self) -> bool:
        """Move past one mark; False if the text so far has no more."""
        if self._until:
            _, mark, after = self._held.partition(self._until)
            if not mark:
                # Enough to recognise a mark that was cut.
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
