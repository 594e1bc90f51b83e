"""A short and a longer text in every language that ragqa knows, for tests of languages."""

import json
from pathlib import Path

_LINES = Path(__file__).with_name("data") / "tongues.jsonl"
TEXTS = {
    row["language"]: (row["short"], row["long"])
    for row in map(json.loads, _LINES.read_text(encoding="utf-8").splitlines())
}
