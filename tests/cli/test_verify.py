"""`ragqa verify` of any JSON at all."""

import contextlib
import io
import json

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from support import trying

from ragqa.cli import run

CATS = "# Cats\n\nCats sleep for most of the day. A cat purrs when it is content.\n"
NOTES = {"cats.md": CATS, "teas.md": "# Teas\n\nGreen tea is steeped briefly.\n"}
QUOTE = "Cats sleep for most of the day."


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS)
NUMBERS = st.integers(-50, 200) | st.integers()
RANGES = st.lists(NUMBERS, min_size=2, max_size=2)
CITATIONS = st.fixed_dictionaries(
    {
        "n": NUMBERS,
        "path": st.sampled_from(
            ["cats.md", "teas.md", "../cats.md", "/etc/passwd", "a\0", "\ud800"]
        ),
        "lines": RANGES,
        "chars": RANGES,
        "quote": st.sampled_from([QUOTE, "Cats sleep for all of the day.", CATS]) | st.text(),
        "note_sha256": st.just("0" * 64),
    }
)
ANSWERS = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "question": st.text(max_size=8),
        "backend": st.just("extractive"),
        "citations": st.lists(CITATIONS | JSON, max_size=3),
    }
)


@trying(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON | ANSWERS, st.booleans())
def test_any_json_is_checked_or_refused(notes, tmp_path, document, as_json):
    file = tmp_path / "any.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    args = ["verify", str(file), "--corpus", str(notes), *(["--json"] if as_json else [])]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(args)
    assert code in (0, 1, 2), err.getvalue()
    assert bool(out.getvalue()) == (code != 2)
    if as_json and code != 2:
        assert json.loads(out.getvalue())["sound"] is (code == 0)
