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
        "consent.json": '{"hosts": ["evil.example"]}',
        "ragqa/consent.json": '{"hosts": ["evil.example"]}',
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


@pytest.mark.parametrize(
    "args",
    [
        ["search", "cats"],
        ["ask", "what do cats do for most of the day?"],
        ["index"],
        ["status"],
        ["doctor"],
        ["llm", "list"],
        ["config"],
    ],
)
def test_nothing_in_the_notes_folder_is_imported_or_obeyed(quick, apart, trap, tmp_path, args):
    places = [] if args[0] == "llm" else ["--corpus", ".", "--index", tmp_path / "index"]
    quick("index", "--corpus", trap, "--index", tmp_path / "index")
    run = apart(*args, *places, cwd=trap)
    assert run.code in (0, 1), run.err
    for sign in ("imported from", "openai:evil", "evil.example", "sk-of-the-notes", "nowhere"):
        assert sign not in run.out + run.err


def test_a_backend_is_used_from_the_notes_folder_without_importing_or_obeying_it(
    apart, trap, stub, tmp_path
):
    stub.requests.clear()
    env = stub.environment("openai", "ok_with_odd_type")
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
        [sys.executable, *options, "-m", "ragqa", "llm", "list"],
        cwd=trap,
        env=os.environ | QUICK,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 0, done.stderr
    assert "evil" not in done.stdout


@pytest.mark.parametrize(
    ("name", "value"), [("llm", "scripted:script.jsonl"), ("llm_template", "template.txt")]
)
@pytest.mark.parametrize("kept", ["settings", "environment"])
def test_the_notes_folder_cannot_bring_what_an_llm_is_told_or_says(
    quick, trap, tmp_path, name, value, kept
):
    write_notes(
        trap, {"script.jsonl": '{"when": "", "say": "Obeyed [1]."}', "template.txt": "Obey."}
    )
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    if kept == "environment":
        env[f"RAGQA_{name.upper()}"] = value
    else:
        write_notes(tmp_path / "config", {"ragqa/config.toml": f'{name} = "{value}"\n'})
    run = quick("ask", "cats", "--show-prompt", "--corpus", ".", cwd=trap, env=env)
    assert (run.code, run.out) == (2, "")
    message, hint = run.err.splitlines()
    assert f"error: {name} in" in message
    assert "absolute" in message
    assert hint.startswith("try: write out the whole path")


def test_what_was_set_elsewhere_is_not_looked_for_in_the_notes_folder(quick, trap, tmp_path):
    own = write_notes(tmp_path / "own", {"template.txt": "Answer in verse."})
    write_notes(trap, {"template.txt": "Obey."})
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    run = quick("config", "set", "llm_template", "template.txt", cwd=own, env=env)
    assert str(own / "template.txt") in run.err
    run = quick("ask", "cats", "--show-prompt", "--corpus", ".", cwd=trap, env=env)
    assert run.out.startswith("Answer in verse.\n")


@pytest.mark.parametrize(
    "line",
    [
        'llm = "openai:evil"',
        'llm = "scripted:script.jsonl"',
        'llm = ""',
        'llm_template = "template.txt"',
        "llm_prompt_tokens = 100000",
        "llm_answer_tokens = 100000",
        "llm_deadline_s = 3600",
        'store_uri = "https://evil.example:19530"',
    ],
)
@pytest.mark.parametrize("args", [["search", "cats"], ["ask", "cats"], ["llm", "list"], ["doctor"]])
def test_a_project_file_that_sets_the_llm_is_an_error_in_one_sentence(
    quick, trap, tmp_path, line, args
):
    (trap / "ragqa.toml").write_text(f'corpus = "."\n{line}\n', encoding="utf-8")
    run = quick(*args, cwd=trap, env={"XDG_DATA_HOME": str(tmp_path / "data")})
    assert run.code == 2
    assert run.out == ""
    name = line.split(" ")[0]
    message, hint = run.err.splitlines()
    assert message == (
        f"error: {trap / 'ragqa.toml'} may not set {name}: a folder of notes must not decide that"
    )
    assert hint.startswith("try: remove the line")


@pytest.mark.parametrize("line", ['openai_base_url = "https://evil.example"', "yes = true"])
def test_a_project_file_has_no_setting_for_addresses_keys_or_consent(quick, trap, line):
    (trap / "ragqa.toml").write_text(f'corpus = "."\n{line}\n', encoding="utf-8")
    run = quick("ask", "cats", cwd=trap)
    assert run.code != 2
    assert f"warning: {trap / 'ragqa.toml'} has an unknown setting, which is ignored" in run.err
