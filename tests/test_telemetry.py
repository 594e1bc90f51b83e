"""Usage reporting by dependencies is off in every process, before any of them is imported."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from ragqa import SWITCHES

ROOT = Path(__file__).resolve().parents[1]
REPORTING = {
    *("huggingface_hub", "lancedb", "onnxruntime", "pymilvus", "ray", "sentence_transformers"),
    *("transformers", "txtai"),
}
STARTED_BY_PEERS = {f"eval/bench/peers/with_{name}.py" for name in ("faiss", "lancedb", "txtai")}
"""Scripts that run in environments without ragqa, as children of one that has imported it."""
OURS = {"ragqa", "running"}  # modules of the scripts' own that import ragqa


def test_importing_ragqa_sets_the_switches_whatever_the_environment_says():
    opposite = {name: {"1": "0", "0": "1"}[value] for name, value in SWITCHES.items()}
    show = "import json, os, sys, ragqa; print(json.dumps([dict(os.environ), [*sys.modules]]))"
    shown = subprocess.check_output([sys.executable, "-c", show], env=os.environ | opposite)
    environment, modules = json.loads(shown)
    assert SWITCHES.items() <= environment.items()
    assert REPORTING.isdisjoint(modules)


def test_every_script_that_imports_such_a_library_imports_ragqa_first():
    late = []
    for script in [*(ROOT / "eval").rglob("*.py"), *(ROOT / "docs").rglob("*.py")]:
        modules = []
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules += [(node.lineno, name.name.partition(".")[0]) for name in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules.append((node.lineno, (node.module or "").partition(".")[0]))
        first = min((line for line, name in modules if name in REPORTING), default=0)
        is_late = first and not any(name in OURS for line, name in modules if line < first)
        late += [str(script.relative_to(ROOT))] if is_late else []
    assert set(late) <= STARTED_BY_PEERS
