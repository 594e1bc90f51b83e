"""How text is read: the one place for words, sentences, Markdown, and what a sentence names.

`words` splits text into terms, and into words with span and stem; `sentences` into sentences.
`dates`, `quantities` and `names` find each of these with its span, for an answer and for comparing.
`lexicon` reads `english.txt`, the tables of English words.
`markdown` makes plain text of blocks, and `seen` tracks where each character is from.
"""
