"""The command line as transcripts: input, what is printed, and the exit code where it is not 0.

`UPDATE=1 python -m pytest -n0 tests/cli/test_transcripts.py` writes `transcripts/*.txt` anew: read
the difference before you keep it. `--- FILE` begins a file, `$` a command, `!` is before errors.
`export` is for all commands that follow; `| a.0.b` looks a value up in the JSON that was printed.
"""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from support import QUICK, run_ragqa, write_notes

TRANSCRIPTS = sorted(Path(__file__).parent.glob("transcripts/*.txt"))
VARYING = [
    (r"-[0-9a-f]{12}\b", "-ID"),
    (r"\d+\.\d s\b", "N s"),
    (r"instead of \d+", "instead of N"),
    (r"\b20\d\d-\d\d-\d\d[T ][\d:+]+|(?<=used   )20[\d-]+", "NOW"),
    (r"(?m)^! [A-Z][a-z ]+: [\d,]+ of [\d,]+.*\n?", ""),
]
"""What differs from run to run: an index's number, times, and progress on a slow machine."""


def looked_up(value, keys):
    for n, key in enumerate(keys):
        if key == "*":
            return [looked_up(one, keys[n + 1 :]) for one in value]
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def run_line(line, folder, env):
    """What a terminal shows of a command; its file, its input and its variables are those of sh."""
    line = line.replace("HERE", str(folder))
    words, options = shlex.split(line), {}
    if words[0] == "export":
        return env.update(word.split("=", 1) for word in words[1:]) or ""
    if "ragqa" not in words:
        done = subprocess.run(line, cwd=folder, check=True, shell=True, stdout=subprocess.PIPE)  # noqa: S602 - ours
        return done.stdout.decode().rstrip("\n")
    while words[-2] in ("<", ">", "|"):
        *words, sign, options[sign] = words
    start = words.index("ragqa")
    given = (folder / options["<"]).read_bytes() if "<" in options else b""
    own = env | dict(word.split("=", 1) for word in words[:start])
    run = run_ragqa(*words[start + 1 :], cwd=folder, env=own, input=given)
    out = run.out
    if ">" in options:
        out = (folder / options[">"]).write_text(out) and ""
    if "|" in options and out:
        out = json.dumps(looked_up(run.document, options["|"].split("."))) + "\n"
    shown = out + re.sub(r"(?m)^", "! ", run.err.rstrip("\n")) * bool(run.err)
    shown = shown.rstrip("\n") + f"\n[{run.code}]" * bool(run.code)
    for pattern, instead in [(re.escape(str(folder)), "HERE"), *VARYING]:
        shown = re.sub(pattern, instead, shown)
    return re.sub(r"[ \t]+$", "", shown.strip("\n"), flags=re.MULTILINE)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_transcript_is_what_the_command_line_says(path, tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    written = path.read_text(encoding="utf-8")
    env = QUICK | {"RAGQA_CORPUS": "notes", "RAGQA_INDEX": "index", "OLLAMA_HOST": "127.0.0.1:9"}
    env |= {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA")}
    parts = re.split(r"(?m)^(?=\$ |--- )", written)
    said = [parts[0]]
    for part in parts[1:]:
        head, _, body = part.partition("\n")
        if head.startswith("--- "):
            write_notes(tmp_path, {head[4:]: body.rstrip("\n") + "\n"})
            said.append(part)
        else:
            shown = run_line(head[2:], tmp_path, env)
            said.append(f"{head}\n{shown}\n" if shown else f"{head}\n")
    if "UPDATE" in os.environ:
        path.write_text("".join(said), encoding="utf-8")
    assert "".join(said) == written
