"""Check the citations of a saved answer against the current notes, without an index."""
