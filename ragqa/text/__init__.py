"""How text is read: words, sentences, inline Markdown, and the dates, figures and names in it."""
