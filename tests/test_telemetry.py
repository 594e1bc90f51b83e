"""Usage reporting by dependencies is off in every process, before any of them is imported."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragqa import SWITCHES

ROOT = Path(__file__).resolve().parents[1]
REPORTING = {
    *("huggingface_hub", "lancedb", "onnxruntime", "pymilvus", "ray", "sentence_transformers"),
    *("transformers", "txtai"),
}
STARTED_BY_PEERS = {f"eval/bench/peers/with_{name}.py" for name in ("faiss", "lancedb", "txtai")}
"""Scripts that run in environments without ragqa, as children of one that has imported it."""
OURS = {"ragqa", "running"}  # modules of the scripts' own that import ragqa

WATCH = """
import json, os, sys

class Watch:
    seen = {}

    def find_spec(self, name, path=None, target=None):
        if name in REPORTING:
            self.seen[name] = {switch: os.environ.get(switch) for switch in SWITCHES}

sys.meta_path.insert(0, Watch())
try:
    BODY
finally:
    print(json.dumps(Watch.seen), file=sys.stderr)
"""


def environments_at_import(body):
    """The switches as each reporting library found them, where the environment wants reports."""
    script = WATCH.replace("REPORTING", repr(REPORTING)).replace("SWITCHES", repr(list(SWITCHES)))
    opposite = {name: {"1": "0", "0": "1"}[value] for name, value in SWITCHES.items()}
    done = subprocess.run(
        [sys.executable, "-c", script.replace("BODY", body)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | opposite,
        check=False,
    )
    return json.loads(done.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("body", "library"),
    [
        ("import ragqa.embedders.onnx", "onnxruntime"),
        pytest.param(
            "import ragqa.embedders.sentence_transformers",
            "sentence_transformers",
            marks=pytest.mark.integration,
        ),
        pytest.param("import ragqa.embedders.spread, ray", "ray", marks=pytest.mark.integration),
        pytest.param(
            "import ragqa.stores.milvus.client as m; m.pymilvus()",
            "pymilvus",
            marks=pytest.mark.integration,
        ),
    ],
)
def test_the_switches_are_set_before_any_library_is_imported_whatever_the_environment_says(
    body, library
):
    seen = environments_at_import(body)
    assert library in seen
    assert seen == dict.fromkeys(seen, SWITCHES)


def _modules_in_order(tree):
    """What a file imports, in the order of its lines."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: node.lineno):
        names = (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
        yield from (name.partition(".")[0] for name in names)


def test_every_script_that_imports_such_a_library_imports_ragqa_first():
    late = []
    scripts = [*(ROOT / "eval").rglob("*.py"), *(ROOT / "docs").rglob("*.py")]
    for script in scripts:
        modules = list(_modules_in_order(ast.parse(script.read_text(encoding="utf-8"))))
        first = next((at for at, name in enumerate(modules) if name in REPORTING), None)
        name = script.relative_to(ROOT).as_posix()
        if first is not None and name not in STARTED_BY_PEERS and OURS.isdisjoint(modules[:first]):
            late.append(name)
    assert late == []
