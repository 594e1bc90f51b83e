"""Measure ragqa on a public set with answers: how it ranks documents, and what it answers.

    python eval/qa.py DIR --json

As `eval/beir.py`; the folder has `answers.jsonl` as well, each with `_id`, `answers` and perhaps
`"answerable": false`.
"""

from beir import main

if __name__ == "__main__":
    main(answers=True)
