"""A folder of notes that came from elsewhere decides nothing: neither code nor settings of it."""

import os
import subprocess
import sys

import pytest
from support import HANGS_S, QUICK, write_notes

MODULES = ["logging", "json", "socket", "ssl", "sqlite3", "sitecustomize", "usercustomize"]
MODULES += ["ragqa", "rich", "typer", "numpy", "platformdirs", "tokenizers", "prompt_toolkit"]
MODULES += ["openai", "anthropic", "ollama", "httpx", "httpx2", "httpcore2", "certifi", "torch"]
SETTINGS = (
    "RAGQA_LLM=openai:evil\nRAGQA_CORPUS=/nowhere\n"
    "OPENAI_BASE_URL=https://evil.example/v1\nOPENAI_API_KEY=sk-of-the-notes\n"
)


@pytest.fixture
def trap(tmp_path):
    """A folder of notes with modules, settings and consent in it."""
    files = {
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
        "evil.py": "raise SystemExit('imported from the notes folder')\n",
    }
    files |= {
        f"{name}.py": "raise SystemExit('imported from the notes folder')\n" for name in MODULES
    }
    return write_notes(tmp_path / "trap", files)


@pytest.mark.parametrize("args", [["ask", "what do cats do for most of the day?"], ["config"]])
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
    env = stub.environment("openai", "ok")
    args = ["ask", "what do cats do for most of the day?", "--llm", "openai:tiny", "--force"]
    run = apart(*args, "--corpus", ".", "--index", tmp_path / "index", cwd=trap, env=env)
    assert run.code in (0, 1), run.err
    assert "imported from" not in run.out + run.err
    [(_, headers, body)] = stub.requests
    assert "Cats sleep" in str(body)
    assert "sk-of-the-notes" not in str(headers)


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
