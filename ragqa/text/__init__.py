"""How text is read: the one place for words, sentences, Markdown, and what a sentence names.

`words` splits text into terms, and into words with span and stem, and reads `english.txt`, the
tables of English words; `sentences` splits text into sentences.
`dates`, `quantities` and `names` find each of these with its span, for an answer and for comparing.
`markdown` makes plain text of blocks, and `seen` tracks where each character is from.
"""
