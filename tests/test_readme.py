"""The documents: every command and example in them works, every name in them exists."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from support import CORPUS, write_notes

import ragqa as package
from ragqa.errors import INSTEAD
from ragqa.types import Verdict, Waiting

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "eval").glob("*.md"),
        *(ROOT / "plugins").glob("*/*.md"),
    ]
)
ANSWERS, LLM, EVALUATION = "docs/answers.md", "docs/llm.md", "docs/evaluation.md"
AS_PRINTED = [
    ("README.md", 'ragqa ask "how long until a request to the assistant times out?"', 0),
    (ANSWERS, 'ragqa ask "how do I prune roses?"', 1),
    (LLM, 'ragqa ask "what is BM25?" --llm scripted:docs/scripted.jsonl', 0),
]
"""Examples that show how the output of a command begins, with its exit code."""
CHANGED = (ANSWERS, 'ragqa ask "what is the API rate limit?"')
SAVED = (ANSWERS, 'ragqa ask "what is prompt injection?" > answer.md')
WHY = (ANSWERS, 'ragqa why "when should I fine-tune?" --target lora.md')
CHAT = (LLM, "ragqa chat")
MEASURED = (EVALUATION, "ragqa eval")
OBSIDIAN = "docs/obsidian.md"
"""Examples that have a test of their own; those of OBSIDIAN are about the vault in eval/."""


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def examples(path):
    """The examples of a document that show output: the command, and what follows it."""
    for block in blocks("console", (ROOT / path).read_text(encoding="utf-8")):
        command, _, shown = block.removeprefix("$ ").partition("\n")
        if any(not line.startswith("$ ") for line in shown.splitlines()):
            yield command, shown


def example(path, command):
    return dict(examples(path))[command]


def arguments(command):
    """The arguments of a command; an answer is shown as on a terminal."""
    args = shlex.split(command)[1:]
    return [*args, "--format", "text"] if args[0] == "ask" else args


def test_every_example_that_shows_output_is_run_by_a_test_below():
    shown = {
        (path.relative_to(ROOT).as_posix(), command)
        for path in DOCUMENTS
        for command, _ in examples(path)
    }
    own = {CHANGED, SAVED, WHY, CHAT, MEASURED}
    own |= {(OBSIDIAN, command) for command, _ in examples(OBSIDIAN)}
    assert shown == own | {(path, command) for path, command, _ in AS_PRINTED}


@pytest.mark.parametrize(("path", "command", "code"), AS_PRINTED)
def test_an_example_shows_what_is_printed(ragqa, wiki_index, path, command, code):
    run = ragqa(*arguments(command), "--index", wiki_index, cwd=ROOT)
    assert run.out.startswith(example(path, command))
    assert run.code == code


def test_the_examples_about_obsidian_print_what_they_show(ragqa, tmp_path):
    vault = tmp_path / "vault"
    shutil.copytree(ROOT / "eval/obsidian/vault", vault)
    places = ["--corpus", vault, "--index", tmp_path / "index"]
    shown = [block for command, block in examples(OBSIDIAN)]
    page = blocks("console", (ROOT / OBSIDIAN).read_text(encoding="utf-8"))
    parts = [part for block in page for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(parts) > len(shown) > 0
    for command, _, output in (part.partition("\n") for part in parts):
        run = ragqa(*arguments(command), *places, cwd=tmp_path)
        lines = [line for line in output.splitlines() if line not in ("", "\u2026")]
        printed = run.out + run.err
        assert [line for line in lines if line not in printed] == [], command
        assert run.code in (0, 1, 2)


def test_notes_that_changed_their_mind_are_shown_as_they_are_printed(ragqa, tmp_path):
    told = " ".join((ROOT / ANSWERS).read_text(encoding="utf-8").split())
    new = "The rate limit of the API is **100 requests** per minute."
    old = "The API has a rate limit of 60 requests per minute."
    for name, title, day, says in [
        ("gateway.md", "API gateway", "2026-02-11", new),
        ("client.md", "Client guide", "2021-09-04", old),
    ]:
        assert f'`{name}`, dated {day}, says "{says}"' in told
        note = f"---\ntitle: {title}\ndate: {day}\n---\n\n# {title}\n\n{says}\n"
        write_notes(tmp_path / "notes", {name: note})
    shown = example(*CHANGED)
    places = "--corpus", tmp_path / "notes", "--index", tmp_path / "index"
    run = ragqa(*arguments(CHANGED[1]), *places)
    assert run.out.replace(", old", "") == shown
    assert run.code == 0


EDITS = [
    ("# Prompt injection\n", "# Prompt injection\n\nRevised after the review.\n"),
    ("no enforced", "only a weak"),
]
"""What is done to the note between the answer and its check, as the page tells it."""


def test_the_check_of_an_answer_is_shown_as_it_is_printed(ragqa, wiki_index, tmp_path):
    checked, *shown = example(*SAVED).splitlines()
    notes = tmp_path / "notes"
    shutil.copytree(CORPUS, notes)
    command, _, file = SAVED[1].partition(" > ")
    run = ragqa(*shlex.split(command)[1:], "--index", wiki_index, cwd=ROOT)
    (tmp_path / file).write_text(run.out, encoding="utf-8")
    note = notes / "prompting" / "prompt-injection.md"
    text = note.read_text(encoding="utf-8")
    for before, after in EDITS:
        assert before in text
        text = text.replace(before, after, 1)
    note.write_text(text, encoding="utf-8")
    run = ragqa(*arguments(checked.removeprefix("$ ")), "--corpus", notes, cwd=tmp_path)
    assert run.out.splitlines() == shown
    assert run.code == 1


def test_why_a_note_is_not_in_the_answer_is_shown_as_it_is_printed(ragqa, wiki_index):
    run = ragqa(*arguments(WHY[1]), "--index", wiki_index, cwd=ROOT)
    # It is wrapped here, and ranks differ by processor.
    assert _unwrapped(run.out).startswith(_unwrapped(example(*WHY)))


def _unwrapped(text):
    return re.sub(r"\d+", "N", " ".join(text.split()))


@pytest.mark.integration
def test_the_evaluation_that_is_shown_has_the_rows_and_counts_that_are_printed(ragqa, wiki_index):
    shown = example(*MEASURED).splitlines()
    run = ragqa(*arguments(MEASURED[1]), "--index", wiki_index, cwd=ROOT)
    printed = run.out.splitlines()
    assert shown[0] == printed[0]
    for line in filter(_figures, shown[1:]):
        other = next(each for each in printed if each.split()[:1] == line.split()[:1])
        # They differ by processor in their last digits.
        assert _figures(other) == pytest.approx(_figures(line), abs=0.02)


def _figures(line):
    return [int(number) / 100 for number in re.findall(r"(\d+)%", line)]


def test_the_chat_that_is_shown_is_what_is_said(ragqa, wiki_index):
    shown = example(*CHAT)
    exchanges = [block.split("\n") for block in f"\n{shown}".strip("\n").split("> ")[1:]]
    questions = "".join(f"{question}\n" for question, *_ in exchanges)
    run = ragqa(*arguments(CHAT[1]), "--index", wiki_index, cwd=ROOT, input=questions.encode())
    answers = [one.split("\n") for one in f"\n{run.out}".split("\n> ")[1:]]
    for exchange, answer in zip(exchanges, answers, strict=True):
        told = "\n".join(answer).partition("\nFurther excerpts\n")[0].rstrip()
        assert told == "\n".join(exchange).rstrip()


def test_the_python_examples_run(tmp_path, monkeypatch, wiki_index, capsys):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    script = tmp_path / "example.py"
    script.write_text("\n".join(blocks("python", page)), encoding="utf-8")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAGQA_INDEX", str(wiki_index))
    runpy.run_path(str(script))
    printed = capsys.readouterr().out
    assert "Prompt injection is an attack" in printed
    assert "rag/vector-search.md" in printed
    assert any(f"{verdict}\n" in printed for verdict in Verdict)
    assert "'fine-tuning': " in printed
    assert "nowhere" in printed


def test_every_name_in_the_tables_of_the_python_page_exists():
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    methods, parts = (page.partition(head)[2].partition("\n\n")[0] for head in _PYTHON_TABLES)
    called = re.findall(r"`(\w+)\(", methods)
    named = re.findall(r"^\| `(\w+)`", parts, flags=re.MULTILINE)
    assert called
    assert named
    assert [name for name in called if not hasattr(package.Index, name)] == []
    assert [name for name in named if not hasattr(package.Answer, name)] == []


_PYTHON_TABLES = ("| method of an index", "| part of an answer")


def test_every_command_and_option_in_a_document_exists(ragqa):
    texts = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    shown = re.findall(r"`(ragqa [^`\n]+)`|^\$ (ragqa .+)$", texts, flags=re.MULTILINE)
    named = {}
    for command in filter(None, (inline or console for inline, console in shown)):
        words = shlex.split(command)[1:]
        name = words[0] if words and not words[0].startswith("-") else ""
        options = named.setdefault(name, set())
        options.update(word for word in words if word.startswith("--"))
    for name, options in named.items():
        helps = ragqa(*([name] if name else []), "--help")
        assert helps.code == 0 or f"ragqa {name}" in {*INSTEAD, "ragqa COMMAND"}
        assert [option for option in options if option not in helps.out] == [], name


def test_every_status_that_the_server_sends_is_in_the_table_of_its_page():
    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    code = "".join(
        (ROOT / "ragqa" / "serving" / name).read_text(encoding="utf-8")
        for name in ("failures.py", "guard.py", "web.py")
    )
    sent = re.findall(r"\b[45]\d\d\b", code)
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", page, flags=re.MULTILINE)
    # Starlette refuses other methods itself.
    assert {*", ".join(rows).split(", ")} == {*sent, "405"}


def test_the_warning_of_files_that_wait_is_shown_as_it_is_printed():
    page = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    notice = Waiting(1250, is_long=True).notice("ragqa index")
    assert f"\nwarning: {notice}\n" in page


def test_the_server_in_the_example_asks_for_a_password_and_serves_this_machine_alone():
    example = yaml.safe_load((ROOT / "docs" / "scale" / "compose.yaml").read_text(encoding="utf-8"))
    services = example["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert services["milvus"]["environment"]["COMMON_SECURITY_AUTHORIZATIONENABLED"] == "true"
    secrets = [
        value
        for service in services.values()
        for name, value in dict(service["environment"]).items()
        if name.endswith(("PASSWORD", "SECRET_KEY", "SECRET_ACCESS_KEY"))
    ]
    assert len(secrets) == 3
    assert all(secret.startswith("${") for secret in secrets)


def test_every_python_file_that_a_document_names_exists():
    folders = (ROOT / name for name in ("ragqa", "tests", "eval", "docs"))
    there = [path.as_posix() for folder in folders for path in folder.rglob("*.py")]
    there += [path.as_posix() for path in ROOT.glob("*.py")]
    named = {
        (path.name, file)
        for path in DOCUMENTS
        for file in re.findall(r"`([\w/]+\.py)`", path.read_text(encoding="utf-8"))
    }
    assert {"SECURITY.md", "CONTRIBUTING.md", "architecture.md"} <= {page for page, _ in named}
    missing = [one for one in named if not any(path.endswith(f"/{one[1]}") for path in there)]
    assert missing == []


def test_the_picture_is_what_the_commands_print(wiki_index):
    session = runpy.run_path(str(ROOT / "docs" / "make_session.py"))
    assert session["is_current"](session["draw"](wiki_index)), "run python docs/make_session.py"


def test_changelog_and_package_agree_on_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{package.__version__}]" in changelog
