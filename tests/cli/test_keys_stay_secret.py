"""No key is ever shown or kept: by no command, in no failure, with `--debug` neither."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import typer
from hashed import COMMAND
from llms.asking import MARKER
from llms.stub import KINDS
from support import QUICK

from ragqa import cli as ragqa_cli
from ragqa.errors import UsageError

NOTES = {"cats.md": "# Cats\n\nCats sleep most of the day.\n"}
QUESTION = "what do cats do most of the day?"
COMMANDS = [
    ["--help"], ["--version"], ["index"], ["index", "--rebuild", "--json"], ["ask", QUESTION],
    ["ask", QUESTION, "--json"], ["ask", QUESTION, "--show-prompt"],
    ["ask", QUESTION, "--format", "markdown"], ["ask", QUESTION, "--llm", "openai:gpt"],
    ["ask", QUESTION, "--llm", "anthropic:claude", "--json"], ["ask", ""], ["chat"], ["list"],
    ["get", "cats.md"], ["search", "cats", "--json"], ["why", QUESTION, "--target", "cats.md"],
    ["status"], ["status", "--json"], ["verify", "nothing.md"], ["eval"], ["config"],
    ["config", "--json"], ["config", "set", "llm", "openai:gpt"], ["config", "unset", "llm"],
    ["config", "set", "openai_api_key", "x"], ["config", "set", "llm", "oracle:x"],
    ["config", "set", "store", f"http://root:{MARKER}@h"], ["no-such-command"],
]  # fmt: skip
WITHOUT_PLACES = (
    "config",
    "verify",
    "--help",
    "--version",
    "no-such-command",
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Everywhere that ragqa may write, in one folder; every key in the environment."""
    for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "RAGQA_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for kind in KINDS:
        monkeypatch.setenv(f"{kind.upper()}_API_KEY", MARKER)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{MARKER}@proxy.example:3128")
    monkeypatch.setenv("RAGQA_LLM_DEADLINE_S", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_hidden(run, home):
    """Neither the key nor so much of it as would help is in what was printed or written."""
    for text in (run.out, run.err):
        assert MARKER[:20] not in text
    for path in home.rglob("*"):
        if path.is_file():
            assert MARKER[:20].encode() not in path.read_bytes(), path


def test_every_command_is_tried():
    names = set(typer.main.get_command(ragqa_cli.command_line()).commands)
    # `mcp` and `serve` stay until they are ended. No key is used by them, nor for the last answer.
    tried = {args[0] for args in COMMANDS} - {"--help", "--version", "no-such-command"}
    assert names - {"mcp", "serve", "more", "open"} == tried


@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["plain", "debug"])
def test_no_command_shows_or_keeps_a_key(quick, places, home, debug):
    quick("index", *places)
    for args in COMMANDS:
        options = [] if args[0] in WITHOUT_PLACES else places
        run = quick(
            *args, *options, *(debug if args[0][0] != "-" else []), input=f"{QUESTION}\n".encode()
        )
        assert run.code != 70, run.err
        assert_hidden(run, home)


@pytest.mark.parametrize("mode", ["key_everywhere", "key_in_error", "key_in_html", "key_in_text"])
def test_no_failure_of_a_server_shows_or_keeps_a_key(quick, stub, places, home, mode):
    env = stub.environment("openai", mode)
    run = quick("ask", QUESTION, "--llm", "openai:tiny", "--debug", *places, env=env)
    assert run.code == (1 if mode == "key_in_text" else 5), run.err
    assert_hidden(run, home)
    assert any(MARKER in str(headers) for _, headers, _ in stub.requests)
    assert not any(MARKER in f"{path} {body}" for path, _, body in stub.requests)


def test_a_chat_neither_shows_nor_keeps_a_key(quick, stub, places, home):
    env = stub.environment("anthropic", "key_in_text")
    typed = f"{QUESTION}\nwhy?\n/sources\n/why\n/save {home / 'saved.md'}\n/help\n"
    run = quick(
        "chat", "--llm", "anthropic:tiny", "--force", *places, env=env, input=typed.encode()
    )
    assert "cats.md" in run.out
    assert (home / "saved.md").exists()
    assert_hidden(run, home)


@pytest.mark.parametrize(
    ("failure", "debug"), [(RuntimeError, ["--debug"]), (OSError, []), (UsageError, ["--debug"])]
)
def test_a_bug_whose_message_holds_a_key_is_told_and_kept_without_it(
    quick, monkeypatch, home, failure, debug
):
    def broken(settings):
        key = os.environ["OPENAI_API_KEY"]
        told = f"Invalid header value b'Bearer {key}'"
        raise UsageError(told, hint=told) if failure is UsageError else failure(told)

    monkeypatch.setattr("ragqa.config.load_settings", broken)
    run = quick("status", *debug)
    assert run.code in (2, 70)
    assert_hidden(run, home)
    reports = [path.read_text() for path in home.glob("ragqa-*.txt")]
    assert len(reports) == (run.code == 70)
    assert all("Bearer ***" in text for text in (run.err, *reports))


def test_an_option_that_holds_a_key_is_told_without_it(quick, home):
    run = quick("status", f"--{MARKER}")
    assert run.code == 2
    assert "--***" in run.err
    assert_hidden(run, home)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_no_process_has_a_key_on_its_command_line(quick, stub, places, home):
    stub.requests.clear()
    quick("index", *places)
    env = os.environ | QUICK | stub.environment("openai", "no_headers")
    with subprocess.Popen(
        [*COMMAND, "ask", QUESTION, "--llm", "openai:tiny", "--force", *map(str, places)],
        env=env | {"RAGQA_LLM_DEADLINE_S": "60"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not stub.requests and process.poll() is None:
            time.sleep(0.01)
        lines = [command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        started = children.read_text() if children.exists() else ""
        process.kill()
    assert stub.requests
    assert any(b"openai:tiny" in line for line in lines)
    assert not any(MARKER.encode() in line for line in lines)
    assert started == ""


def command_line(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
