"""The command line as transcripts: input, what is printed, and the exit code where it is not 0.

`UPDATE=1 python -m pytest -n0 tests/cli/test_transcripts.py` writes `transcripts/*.txt` anew: read
the difference before you keep it. `--- FILE` begins a file, `$` a command, `!` is before errors;
HERE is the folder, `export` is for what follows, `| a.0.b` looks up a value of the JSON printed,
`| a.0.b,c` those of these keys that are there.
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
VARYING = {
    r"-[0-9a-f]{12}\b": "-ID",
    r"\d+\.\d s\b|(?<=instead of )\d+|\d+\.\d(?= MB)|(?<='version': )\d+": "N",
    r"\b20\d\d-\d\d-\d\d[T ][\d:+]+|(?<=used   )20[\d-]+": "NOW",
    r"(?m)^! [A-Z][a-z ]+(?: \(kB\))?: [\d,]+ of [\d,]+.*\n?": "",  # progress on a slow machine
    r"(?m)[ \t]+$": "",
}


def looked_up(value, key, *keys):
    if "," in key:
        return {name: value[name] for name in key.split(",") if name in value}
    found = value if key == "*" else [value[int(key) if isinstance(value, list) else key]]
    found = [looked_up(one, *keys) for one in found] if keys else found
    return found if key == "*" else found[0]


def run_line(line, folder, env):
    """What a terminal shows of a command; its files and variables are written as for sh."""
    words, options = shlex.split(line), {}
    if words[0] == "export":
        return env.update(word.split("=", 1) for word in words[1:]) or ""
    if "ragqa" not in words:
        return subprocess.check_output(line, cwd=folder, shell=True, text=True)  # noqa: S602 - ours
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
        out = json.dumps(looked_up(run.document, *options["|"].split("."))) + "\n"
    err = "".join(f"! {line}\n" for line in run.err.splitlines())
    return f"{out}{err}[{run.code}]".removesuffix("[0]")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_a_transcript_is_what_the_command_line_says(path, tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    env = QUICK | {"RAGQA_CORPUS": "notes", "RAGQA_INDEX": "index", "OLLAMA_HOST": "127.0.0.1:9"}
    env |= {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA")}
    written = path.read_text(encoding="utf-8")
    said, *parts = re.split(r"(?m)^(?=\$ |--- )", written)
    for part in parts:
        head, _, body = part.partition("\n")
        if head.startswith("--- "):
            write_notes(tmp_path, {head[4:]: body})
        else:
            body = run_line(head[2:].replace("HERE", str(tmp_path)), tmp_path, env).strip("\n")
            body = body.replace(str(tmp_path), "HERE") + "\n" * bool(body)
            for pattern, instead in VARYING.items():
                body = re.sub(pattern, instead, body)
        said += f"{head}\n{body}"
    if "UPDATE" in os.environ:
        path.write_text(said, encoding="utf-8")
    assert said == written
