"""Counts the steps that a backtracking search takes, which time only approximates."""

import re
from re import _parser

SINGLE = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}
REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


class _Steps:
    """One search of a text; `count` is how many characters were looked at."""

    def __init__(self, pattern, text):
        self.text, self.count, self.flags, self.known = text, 0, pattern.flags, {}
        self.tree = _parser.parse(pattern.pattern, pattern.flags)

    def search(self, last):
        at = 0
        while at <= last:
            end = next(self._ends(list(self.tree), at), at)
            at = max(end, at + 1)
        return self.count

    def _ends(self, items, at):
        """Each place where these items may end that begin here, in the order of trying."""
        if not items:
            yield at
            return
        for end in self._of(*items[0], at):
            yield from self._ends(items[1:], end)

    def _of(self, op, value, at):
        name = str(op)
        if name in SINGLE or name == "AT":
            self.count += 1
            yield from self._single(op, value, at)
        elif name in REPEATS:
            yield from self._repeated(name, *value, at)
        elif name == "SUBPATTERN":
            yield from self._ends(list(value[3]), at)
        elif name == "BRANCH":
            for choice in value[1]:
                yield from self._ends(list(choice), at)
        elif name in ("ASSERT", "ASSERT_NOT"):
            behind, tree = value
            start = at - tree.getwidth()[0] if behind < 0 else at
            holds = start >= 0 and next(self._ends(list(tree), start), None) is not None
            if holds == (name == "ASSERT"):
                yield at
        else:
            raise NotImplementedError(name)

    def _single(self, op, value, at):
        """Python's own engine says what one item matches."""
        key = (str(op), str(value))
        if key not in self.known:
            state = _parser.State()
            state.flags = self.flags
            part = _parser.SubPattern(state, [(op, value)])
            self.known[key] = re._compiler.compile(part, self.flags)
        found = self.known[key].match(self.text, at)
        if found:
            yield found.end()

    def _repeated(self, name, least, most, tree, at):
        if name == "MIN_REPEAT":
            raise NotImplementedError(name)
        reached, ends = at, [at]
        while len(ends) <= most:  # the items that we repeat have one way to match each
            end = next(self._ends(list(tree), reached), None)
            if end is None or end == reached:
                break
            reached = end
            ends.append(end)
        tried = ends[least:][::-1]
        yield from tried[:1] if name == "POSSESSIVE_REPEAT" else tried


def steps(pattern, text, *, anchored=False):
    """How many steps it takes to find a pattern in a text, all times or once at its beginning."""
    return _Steps(pattern, text).search(0 if anchored else len(text))
