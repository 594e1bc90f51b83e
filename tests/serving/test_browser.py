"""A person with a browser: asks, reads what is cited, looks around; on a phone; without script.

Needs Chromium and npm, which fetches what drives it. The same walk makes the pictures for the docs:
see `walk.mjs`.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from served import serving
from support import CORPUS, HANGS_S

pytestmark = pytest.mark.integration

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
NPM = shutil.which("npm")
MOST_SCRIPT_BYTES = 20_000
SAYS = (
    "Fine-tune when good prompting does not give the behaviour that you need [1]. "
    "<img src=x onerror=alert(1)> Everybody does it."
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    if not (BROWSER and NPM):
        pytest.skip("there is no Chromium or no npm on this machine")
    folder = tmp_path_factory.mktemp("browser")
    (folder / "package.json").write_text("{}")
    got = subprocess.run(
        [NPM, "install", "--no-audit", "--no-fund", "playwright-core@1", "axe-core@4"],
        cwd=folder,
        capture_output=True,
        timeout=HANGS_S,
        check=False,
    )
    if got.returncode:
        pytest.skip(f"npm cannot fetch what drives the browser: {got.stderr[-200:]!r}")
    (folder / "notes").symlink_to(CORPUS)
    (folder / "says.jsonl").write_text(json.dumps({"when": "", "say": SAYS}))
    opened, opens = folder / "opened", folder / "opens"
    os.mkfifo(opened)
    opens.write_text(f'#!/bin/sh\necho "$@" > {opened}\n')
    opens.chmod(0o700)
    args = ("serve", "--port", "0")
    llm = ("--llm", f"scripted:{folder / 'says.jsonl'}")
    with (
        serving(folder, *args, env={"BROWSER": f"{opens} %s"}) as server,
        serving(folder, *args, "--no-open", *llm, env={}) as writing,
    ):
        for one in (server, writing):
            while one.ask("/api/status").status != 200:
                pass
        page = opened.read_text().strip()
        walk = subprocess.run(
            [shutil.which("node"), Path(__file__).with_name("walk.mjs"),
             *(f"http://{one.host}{one.start}" for one in (server, writing)), BROWSER],
            cwd=folder,
            env=os.environ | {"QUESTION": "when should I fine-tune?", "OPENED": page},
            capture_output=True,
            timeout=HANGS_S,
            check=False,
        )  # fmt: skip
    assert walk.returncode == 0, walk.stderr.decode()
    return json.loads(walk.stdout)


def test_the_answer_is_shown_with_its_note_at_the_cited_stretch(seen):
    assert "Fine-tune when good prompting" in seen["excerpt"]
    assert seen["cited"].startswith("Fine-tune when good prompting")
    assert seen["visible"]


def test_the_keyboard_is_enough(seen):
    assert seen["focused"] == "q"
    assert "go to the question" in seen["keys"]
    assert seen["chosen"] == "1"
    assert seen["note"].startswith("When to fine-tune")
    assert seen["source"]
    assert seen["exactBeside"]
    assert seen["slash"] == "q"
    assert [chip.strip() for chip in seen["chips"]] == ["rag", "fine-tuning"]
    assert seen["kept"] == 2


def test_what_an_llm_writes_comes_after_the_excerpts_and_is_text(seen):
    assert seen["excerptsFirst"]
    assert seen["written"].startswith("Fine-tune when good prompting")
    assert "<img src=x onerror=alert(1)>" in seen["written"]
    assert "(no source)" in seen["written"]
    assert seen["injected"] == 0


def test_a_phone_a_browser_without_script_and_one_without_a_session_show_what_they_should(seen):
    assert seen["overflow"] <= 0
    assert seen["withoutScript"].startswith("Fine-tune when good prompting")
    assert seen["lost"] == "This browser has no session"


def test_no_page_fails_fetches_from_elsewhere_or_shuts_anybody_out(seen):
    assert seen["errors"] == seen["outside"] == seen["serious"] == []


def test_the_script_is_small():
    static = Path(__file__).parents[2] / "ragqa" / "serving" / "static"
    assert sum(one.stat().st_size for one in static.glob("*.js")) < MOST_SCRIPT_BYTES
