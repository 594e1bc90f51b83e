"""Notes and an index that came from elsewhere decide nothing: no code, setting or file is theirs.

The checksums of a forged index are right.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial

import forging
import pytest
from support import HANGS_S, QUICK, write_notes

from ragqa.index import Store

MODULES = ["logging", "json", "socket", "ssl", "sqlite3", "sitecustomize", "usercustomize"]
MODULES += ["ragqa", "rich", "typer", "numpy", "platformdirs", "tokenizers", "prompt_toolkit"]
MODULES += ["openai", "anthropic", "ollama", "httpx", "httpx2", "httpcore2", "certifi", "torch"]
RAISES = "raise SystemExit('imported from the notes folder')\n"
SETTINGS = (
    "RAGQA_LLM=openai:evil\nRAGQA_CORPUS=/nowhere\n"
    "OPENAI_BASE_URL=https://evil.example/v1\nOPENAI_API_KEY=sk-of-the-notes\n"
)
TRAP = {
    "cats.md": "# Cats\n\nCats sleep for most of the day.\n",
    ".env": SETTINGS,
    ".envrc": SETTINGS,
    "config.toml": 'llm = "openai:evil"\n',
    "ragqa/config.toml": 'llm = "openai:evil"\n',
    "allowed.txt": "evil.example as LLM\n",
    "ragqa/allowed.txt": "evil.example as LLM\n",
    "keys/openai": "sk-of-the-notes",
    "pyproject.toml": '[tool.ragqa]\nllm = "openai:evil"\n',
    "setup.cfg": "[ragqa]\nllm = openai:evil\n",
    ".netrc": "machine evil.example login a password b\n",
    "evil-1.dist-info/entry_points.txt": "[ragqa.llms]\nevil = evil:make\n",
    "evil-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
    **{f"{name}.py": RAISES for name in ("evil", *MODULES)},
}
ASK = ["ask", "what do cats do for most of the day?"]
NOTES = {"zebra.md": "# Zebra\n\nThe zebra has 16 stripes.\n"}


@pytest.fixture
def trap(tmp_path):
    """A folder of notes with modules, settings and consent in it."""
    return write_notes(tmp_path / "trap", TRAP)


@pytest.mark.parametrize("args", [ASK, ["config"]])
def test_nothing_in_the_notes_folder_is_imported_or_obeyed(quick, apart, trap, tmp_path, args):
    places = ["--corpus", ".", "--index", tmp_path / "index"]
    quick("index", "--corpus", trap, "--index", tmp_path / "index")
    run = apart(*args, *places, cwd=trap)
    assert run.code in (0, 1), run.err
    for sign in ("imported from", "openai:evil", "evil.example", "sk-of-the-notes", "nowhere"):
        assert sign not in run.out + run.err


def test_a_backend_is_used_from_the_notes_folder_without_importing_or_obeying_it(
    apart, trap, stub, tmp_path
):
    stub.requests.clear()
    args = [*ASK, "--llm", "openai:tiny", "--force", "--corpus", ".", "--index", tmp_path / "index"]
    run = apart(*args, cwd=trap, env=stub.environment("openai", "ok"))
    assert run.code in (0, 1), run.err
    assert "imported from" not in run.out + run.err
    [(_, headers, body)] = stub.requests
    assert "Cats sleep" in str(body)
    assert "sk-of-the-notes" not in str(headers)


ELSEWHERE = NOTES | {
    "2024-05-03.md": "# Friday\n\nThe zebra was fed at noon.\n",
    "templates/feeding.md": "# Feeding\n\nA zebra eats grass.\n",
    "page.html": "<p>The zebra has no page.</p>",
    "garten.md": "# Garten\n\nDas Zebra frisst jeden Morgen das Gras im Garten der Nachbarn.\n",
}
LURES = TRAP | {
    **dict.fromkeys([".gitignore", ".ragqaignore"], "*\n"),
    "ragqa.toml": "formats = 'all'\nlanguage = 'de'\npassage_tokens = 30\nmax_note_bytes = 9\n",
    ".obsidian/app.json": '{"userIgnoreFilters": ["zebra", "2024"]}',
    ".obsidian/templates.json": '{"folder": "templates"}',
    ".obsidian/daily-notes.json": '{"format": "[zebra]", "folder": "/"}',
    "zebra.md": "# Zebra\n\nThe zebra has 99 stripes.\n",
}


@pytest.mark.parametrize("where", ["current", "above", "beside"])
def test_nothing_in_a_folder_changes_how_another_one_is_read(quick, tmp_path, where):
    """Its ignore files are its own, too; settings are the user's."""

    def read(name, files):
        other = write_notes(tmp_path / name / "other", files)
        notes = write_notes((other if where == "above" else tmp_path / name) / "wiki", ELSEWHERE)
        places = ["--corpus", notes, *(["--corpus", other] if where == "beside" else [])]
        places += ["--index", tmp_path / name / "index"]
        cwd = other if where == "current" else None
        asked = quick("ask", "how many stripes does the zebra have?", "--json", *places, cwd=cwd)
        assert "16 stripes" in asked.document["answer"], asked.err
        with Store(tmp_path / name / "index").snapshot() as snapshot:
            passages = snapshot.passages(at=[*snapshot.states])
            return sorted(
                (each.path, each.text, each.language, each.note_date, each.heading, each.title)
                for each in passages
            ), [(one["path"], one["quote"]) for one in asked.document["citations"]]

    plain = read("plain", {".kept": ""})
    assert len(plain[0]) == len(ELSEWHERE) - 1  # web pages are not read
    assert read("lured", LURES) == plain


@pytest.mark.parametrize("options", [["-P"], []])
def test_the_module_form_imports_nothing_from_the_current_folder(trap, options):
    if not options:
        # Without -P it is Python that looks for ragqa, and it looks here first.
        (trap / "ragqa.py").unlink()
    done = subprocess.run(
        [sys.executable, *options, "-m", "ragqa", "config"],
        cwd=trap,
        env=os.environ | QUICK,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 0, done.stderr
    assert "evil" not in done.stdout


@pytest.fixture
def forge(quick, places):
    """Build the index, change its database, and make it vouch for that."""
    assert quick("index", *places).code == 0
    return lambda statements: forging.forge(places[3], statements)


def test_what_a_forged_index_has_a_note_say_is_not_quoted(quick, places, forge):
    forge("UPDATE passages SET data = replace(data, '16 stripes', '99 stripes')")
    told = quick("search", "how many stripes has the zebra?", *places)
    assert "99" not in told.out
    assert "passages of zebra.md are left out" in told.err


@pytest.mark.parametrize("path", ["../secret.md", "/etc/passwd", "link/secret.md"])
def test_a_forged_index_has_nothing_read_outside_of_the_notes(quick, places, forge, tmp_path, path):
    write_notes(tmp_path, {"secret.md": "# Secret\n\nThe zebra has a secret.\n"})
    (tmp_path / "notes" / "link").symlink_to(tmp_path)
    forge(f"""
        UPDATE notes SET path = CAST('{path}' AS BLOB),
            data = json_set(CAST(data AS TEXT), '$.path', '{path}');
        UPDATE passages SET data = json_set(CAST(data AS TEXT), '$.path', '{path}',
            '$.text', 'The zebra has a secret.', '$.start', 10, '$.end', 33);
    """)  # noqa: S608 - the attack itself
    told = quick("search", "zebra", "--no-refresh", *places)
    assert told.out == "No passage matches.\n"
    assert f"{path} is left out" in told.err


def test_a_forged_database_runs_no_function(quick, places, forge):
    forge("""
        ALTER TABLE passages RENAME TO real;
        CREATE VIEW passages AS SELECT * FROM real WHERE load_extension('x') IS NULL;
    """)
    run = quick("search", "zebra", "--no-refresh", *places)
    assert run.code == 4
    assert "not those of this ragqa" in run.err


def test_what_a_forged_index_says_of_a_note_steers_no_terminal(quick, places, forge):
    heading = '["\\u001b[31mred", "[link=https://evil.example]x"]'
    forge(
        f"UPDATE passages SET data = json_set(CAST(data AS TEXT), '$.heading', json('{heading}'))"  # noqa: S608 - the attack itself
    )
    out = quick("search", "zebra", *places).out
    assert "\\x1b[31mred" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("lock", "reads"), [("EXCLUSIVE", False), ("IMMEDIATE", True)])
def test_an_index_that_another_program_has_locked_is_in_use_and_not_damaged(
    quick, places, forge, tmp_path, monkeypatch, lock, reads
):
    forge("")
    with closing(sqlite3.connect(places[3] / "index.sqlite", isolation_level=None)) as other:
        if not reads:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute(f"BEGIN {lock}")
        other.execute("UPDATE manifest SET data = data")
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
        write_notes(tmp_path / "notes", {"okapi.md": "# Okapi\n\nThe okapi has 12 stripes.\n"})
        told = quick("index", *places)
        assert told.code == 6
        assert "in use by another program" in told.err
        assert "--rebuild" not in told.err
        searched = quick("search", "zebra", *places)
        assert searched.code == (0 if reads else 6)
        assert "in use by another program" in searched.err
    assert "12 stripes" in quick("search", "okapi", *places).out
