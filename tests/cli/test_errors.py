"""Every error is one sentence with the command that mends it, and an exit code of its own."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hashed import COMMAND
from support import HANGS_S, QUICK

from ragqa.cli import run
from ragqa.errors import IndexUnusable, UsageError

NOTES = {"one.md": "# One\n\nThe first note is about cats.\n"}


def test_ctrl_c_while_indexing_leaves_the_old_index_and_exits_130(quick, places, notes):
    # What is started in the background ignores it, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    quick("index", *places)
    for number in range(1_500):  # enough to be interrupted on a busy machine, too
        (notes / f"{number}.md").write_text(f"# N{number}\n\n" + "words of a note. " * 40)
    with subprocess.Popen(
        [*COMMAND, "index", *map(str, places)],
        env=os.environ | QUICK,
        stderr=subprocess.PIPE,
    ) as process:
        while not (places[3] / "LOCK").stat().st_size and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=HANGS_S)
    assert process.returncode == 130
    assert b"Traceback" not in err
    run = quick("search", "cats", "--no-refresh", "--json", *places)
    assert run.document["index"]["generation"] == 1


def test_output_that_does_not_fit_the_disk_is_an_error_and_no_bug(quick, places):
    quick("index", *places)
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*COMMAND, "search", "cats", *map(str, places)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | QUICK,
            check=False,
            timeout=HANGS_S,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: the output cannot be written")
    assert b"Traceback" not in done.stderr


@pytest.fixture
def failed(monkeypatch):
    """The exit code of a command that raises an error, from another if there is one."""

    def run_failing(error, cause=None):
        def fail(*_):
            raise error from cause

        monkeypatch.setattr("ragqa.cli.command_line", fail)
        return run(["status"])

    return run_failing


def test_a_bug_is_told_in_a_line_with_a_file_to_report_and_exits_70(failed, capsys):
    assert failed(RuntimeError("unexpected \x1b[31m")) == 70
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "this is a bug in ragqa: RuntimeError" in captured.err
    assert "\x1b" not in captured.err
    report = Path(captured.err.rsplit(" ", 1)[-1].strip())
    assert "RuntimeError" in report.read_text(encoding="utf-8")
    report.unlink()


def test_an_interrupt_that_a_library_turns_into_an_error_of_its_own_is_no_bug(failed, capsys):
    assert failed(ImportError("initialization failed"), KeyboardInterrupt()) == 130
    assert "bug" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError(),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"),
    ],
    ids=repr,
)
def test_whichever_library_runs_out_of_memory_it_is_no_bug_of_ragqa(capsys, failed, failure):
    for given in ((failure,), (IndexUnusable("the model cannot be read"), failure)):
        assert failed(*given) == 8
        error, hint = capsys.readouterr().err.splitlines()
        assert error == "error: there is too little memory for this"
        assert hint.startswith("try: close other programs")


def test_what_is_no_shortage_of_memory_stays_what_it_is(capsys, failed):
    assert failed(UsageError("the filter is nested too deeply"), MemoryError()) == 2
    assert "nested too deeply" in capsys.readouterr().err


def test_debug_shows_the_traceback(quick, tmp_path):
    run = quick("ask", "cats", "--debug", cwd=tmp_path)
    assert run.code == 3
    assert "Traceback" in run.err


@pytest.mark.parametrize("module", ["typer", "ragqa.cli.ask"])
def test_ctrl_c_while_the_command_is_imported_exits_130_without_a_traceback(tmp_path, module):
    """Run the entry point of the command, interrupted as soon as a module is looked for."""
    script = (
        "import os, signal, sys\n"
        # A runner in the background has its children ignore Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from ragqa.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "ask", "what?", "--corpus", tmp_path],
        capture_output=True,
        env=os.environ | QUICK,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr
