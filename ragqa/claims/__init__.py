"""Compare what is claimed with what notes say.

`lacks` names what a sentence says and the passages that it cites do not have:

sources = read_sources([CitedPassage(heading, text), ...], embedder)
grounding = grounding_of(sentence, [1, 3], sources, snapshot.idf)
"""
