"""How text is read: the one place for words, sentences, Markdown, and what a sentence names.

`words` splits text into terms, `sentences` into sentences. `markdown` makes plain text of blocks,
by `markup` for inline Markdown, and `seen` tracks where each character is from. `entities` finds
dates, amounts and names. `statement` reads the words, figures (`quantities`, `numerals`) and
`dates` of a sentence to compare it; `lexicon` has words with a meaning of their own.
"""
