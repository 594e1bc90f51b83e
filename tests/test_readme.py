"""The documents: every command and example in them works, every name in them exists."""

import re
import runpy
import shlex
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from support import CORPUS

import ragqa as package
from ragqa import errors

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "eval").glob("*.md")]
)
_SCORE = re.compile(r"(?<=answer this: )0\.\d\d")


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_there_are_two_commands_to_paste_each_on_one_line():
    first, second = blocks("sh")
    assert first.count("\n") == second.count("\n") == 1
    assert first.rstrip().endswith('ragqa ask "when should I fine-tune?"')
    assert "pytest" in second


def test_the_question_of_the_first_command_is_answered(ragqa, wiki_index):
    command = blocks("sh")[0].rstrip().rpartition(" && ")[2]
    name, *args = shlex.split(command)
    assert name == "ragqa"
    run = ragqa(*args, cwd=ROOT, env={"RAGQA_INDEX": str(wiki_index)})
    assert run.code == 0, run.err
    assert "fine-tuning/decision-framework.md" in run.out


def test_the_verdicts_that_are_shown_are_what_is_printed(ragqa, wiki_index):
    section = README.partition("## Answered, close")[2].partition("\n## ")[0]
    shown = blocks("console", section)
    assert len(shown) == 2
    for block in shown:
        command, *lines = block.splitlines()
        run = ragqa(*shlex.split(command)[2:], "--index", wiki_index, cwd=ROOT)
        assert run.out.splitlines()[: len(lines)] == lines


def test_what_an_llm_writes_is_shown_as_it_is_printed(ragqa, wiki_index):
    section = README.partition("## Have an LLM write the answer")[2].partition("\n## ")[0]
    command, _, shown = blocks("console", section)[0].partition("\n")
    run = ragqa(*shlex.split(command)[2:], "--index", wiki_index, cwd=ROOT)
    assert run.out.startswith(shown)
    assert run.code == 0


def test_the_notes_that_disagree_are_shown_as_they_are_printed(ragqa, tmp_path):
    section = README.partition("## When notes disagree")[2].partition("\n## ")[0]
    (tmp_path / "notes").mkdir()
    for name, title, day, says in [
        (
            "gateway.md",
            "API gateway",
            "2026-02-11",
            "The rate limit of the API is **100 requests** per minute.",
        ),
        (
            "client.md",
            "Client guide",
            "2021-09-04",
            "The API has a rate limit of 60 requests per minute.",
        ),
    ]:
        assert says in " ".join(section.split())
        note = f"---\ntitle: {title}\ndate: {day}\n---\n\n# {title}\n\n{says}\n"
        (tmp_path / "notes" / name).write_text(note, encoding="utf-8")
    command, _, shown = blocks("console", section)[0].partition("\n")
    run = ragqa(
        *shlex.split(command)[2:],
        *("--corpus", tmp_path / "notes", "--index", tmp_path / "index"),
        # Between the two, whatever day it is.
        env={"RAGQA_OLD_AFTER_DAYS": str((date.today() - date(2024, 1, 1)).days)},  # noqa: DTZ011 - as ragqa
    )
    # The last digits of a score differ by processor.
    assert _SCORE.sub("", run.out) == _SCORE.sub("", shown)
    assert run.code == 0


EDITS = [
    ("# Prompt injection\n", "# Prompt injection\n\nRevised after the review.\n"),
    ("no enforced", "only a weak"),
]
"""What is done to the note between the answer and its check, as the README tells it."""


def test_the_check_of_an_answer_is_shown_as_it_is_printed(ragqa, wiki_index, tmp_path):
    section = README.partition("## Check an answer later")[2].partition("\n## ")[0]
    asked, checked, *shown = blocks("console", section)[0].splitlines()
    notes = tmp_path / "notes"
    shutil.copytree(CORPUS, notes)
    command, _, file = asked.partition(" > ")
    run = ragqa(*shlex.split(command)[2:], "--index", wiki_index, cwd=ROOT)
    (tmp_path / file).write_text(run.out, encoding="utf-8")
    note = notes / "prompting" / "prompt-injection.md"
    text = note.read_text(encoding="utf-8")
    for before, after in EDITS:
        assert before in text
        text = text.replace(before, after, 1)
    note.write_text(text, encoding="utf-8")
    run = ragqa(*shlex.split(checked)[2:], "--corpus", notes, cwd=tmp_path)
    assert run.out.splitlines() == shown
    assert run.code == 1


def test_why_a_note_is_not_in_the_answer_is_shown_as_it_is_printed(ragqa, wiki_index):
    section = README.partition("## Why is my note not")[2].partition("\n## ")[0]
    command, _, shown = blocks("console", section)[0].partition("\n")
    run = ragqa(*shlex.split(command)[2:], "--index", wiki_index, cwd=ROOT)
    # It is wrapped here, and ranks differ by processor.
    assert _unwrapped(run.out).startswith(_unwrapped(shown))


def _unwrapped(text):
    return re.sub(r"\d+", "N", " ".join(text.split()))


@pytest.mark.integration
def test_the_evaluation_that_is_shown_has_the_rows_and_counts_that_are_printed(ragqa, wiki_index):
    section = README.partition("## Measured")[2].partition("\n## ")[0]
    command, *shown = blocks("console", section)[0].splitlines()
    run = ragqa(*shlex.split(command)[2:], "--index", wiki_index, cwd=ROOT)
    printed = run.out.splitlines()
    assert shown[0] == printed[0]
    # Figures differ by processor in their last digits, so they are compared as such.
    for line in filter(None, shown[1:]):
        label = line.split()[0]
        other = next(each for each in printed if each.split()[:1] == [label])
        assert _figures(other) == pytest.approx(_figures(line), abs=0.02)


def _figures(line):
    return [float(number) for number in re.findall(r"\d\.\d+", line)]


def test_the_chat_that_is_shown_is_what_is_said(ragqa, wiki_index):
    section = README.partition("## Chat")[2].partition("\n## ")[0]
    command, _, shown = blocks("console", section)[0].partition("\n")
    exchanges = [block.split("\n") for block in f"\n{shown}".strip("\n").split("> ")[1:]]
    questions = "".join(f"{question}\n" for question, *_ in exchanges)
    args = shlex.split(command)[2:]
    run = ragqa(*args, "--index", wiki_index, cwd=ROOT, input=questions.encode())
    # An answer ends with its confidence and a blank line.
    answers = re.split(r"Confidence that .*\n\n", run.out)
    assert len(exchanges) == len(answers) - 1
    for (_, *lines), answer in zip(exchanges, answers, strict=False):
        lines = [line for line in lines if line]
        assert answer.splitlines()[: len(lines)] == lines


def test_the_python_example_runs(tmp_path, monkeypatch, wiki_index, capsys):
    (example,) = blocks("python")
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAGQA_INDEX", str(wiki_index))
    runpy.run_path(str(script))
    printed = capsys.readouterr().out
    assert "Prompt injection is an attack" in printed
    assert "rag/vector-search.md" in printed


def test_the_table_of_commands_is_that_of_the_command_line(ragqa):
    documented = set(re.findall(r"^\| `ragqa (\w+)", README, flags=re.MULTILINE))
    listed = ragqa("--help").out.partition("Commands:")[2].partition("\n\n")[0]
    assert documented == set(re.findall(r"^  (\w+)", listed, flags=re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_in_a_document_exists(ragqa, path):
    text = path.read_text(encoding="utf-8")
    shown = re.findall(r"`(ragqa [^`\n]+)`|^\$ (ragqa .+)$", text, flags=re.MULTILINE)
    for command in filter(None, (inline or console for inline, console in shown)):
        words = shlex.split(command)[1:]
        name = words[0] if words and not words[0].startswith("-") else ""
        helps = ragqa(*([name] if name else []), "--help").out
        for option in (word for word in words if word.startswith("--")):
            assert option in helps, f"{command} in {path.name}"


def test_every_exit_code_of_the_errors_is_documented():
    section = README.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {int(code) for code in re.findall(r"(?:^|· |\n)(\d+) ", section)}
    raised = {
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.RagqaError)
    }
    assert raised | {0, 1, 130} == documented


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (path.parent / target).exists()] == []


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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(path):
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", path.read_text(encoding="utf-8"))
    missing = [
        f"{file}::{test}"
        for file, test in named
        if f"\ndef {test}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_the_picture_is_what_the_commands_print(wiki_index):
    session = runpy.run_path(str(ROOT / "docs" / "make_session.py"))
    assert session["is_current"](session["draw"](wiki_index)), "run python docs/make_session.py"


def test_changelog_and_package_agree_on_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{package.__version__}]" in changelog


def test_every_public_name_can_be_imported():
    assert sorted(package.__all__) == package.__all__
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_the_corpus_of_the_readme_is_there():
    assert (CORPUS / "index.md").is_file()
