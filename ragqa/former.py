"""Former commands, options and settings, with what to do instead."""

INSTEAD = {
    "ragqa doctor": "ragqa status says what is wrong; ragqa index --rebuild mends an index",
    "ragqa llm": "ragqa status says which LLM is set; --yes allows its host",
    "ragqa store": "ragqa index --yes allows the host of the store",
    "ragqa model": "ragqa config set embedder NAME asks before it fetches a model",
    "ragqa index --list": "ragqa status names the folder of an index",
    "ragqa index --remove": "remove the folder by hand: ragqa status names it",
    "ragqa eval --compare": "compare two documents of --json, with jq for example",
    "ragqa eval --half": "ragqa eval --questions FILE asks all the questions of a file",
    "ragqa eval --beir": "python eval/beir.py DIR, in the source of ragqa, measures a public set",
    "ragqa eval --qa": "python eval/qa.py DIR, in the source of ragqa, measures a public set",
    "ragqa eval --set": "RAGQA_PASSAGE_TOKENS=100 ragqa eval --index DIR sets it for one run",
    "ragqa.toml": "ragqa config set NAME VALUE sets what it says for you; then remove the file",
    "candidates": "200 passages are taken by meaning, and 200 by words",
    "dense_weight": "meaning and words count the same",
    "excerpts": "an answer has at most 3 excerpts",
    "excerpt_words": "an excerpt has at most 100 words, before a list or table is completed",
    "old_after_days": "a source is marked as old after 730 days",
    "secret_front_matter": "values of front matter whose keys name a secret are never indexed",
}
"""By the command, the command and its option, or the setting: one sentence or one command."""
