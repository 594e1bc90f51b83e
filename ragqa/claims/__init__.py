"""Compare what is claimed with what notes say.

`support` tells whether the passages that a sentence cites support it:

sources = read_sources([Source(heading, text), ...], embedder)
support = support_of(sentence, [1, 3], sources, snapshot.idf)

`difference` tells in what two answers to one question differ.
"""
