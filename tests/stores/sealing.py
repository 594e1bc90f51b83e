"""Manifests that vouch for files as they are, as one who forges an index would write them."""

import hashlib
import json


def generation(root):
    """The folder of the generation to read."""
    return root / (root / "CURRENT").read_text().strip()


def seal(root):
    """Write a manifest that fits the files as they are."""
    folder = generation(root)
    content = json.loads((folder / "manifest.json").read_text())
    names = [name for name in content["files"] if (folder / name).exists()]
    terms = {f"terms/{path.name}" for path in (folder / "terms").iterdir()}
    content["files"] = {name: record(folder / name) for name in sorted({*names, *terms})}
    write_manifest(folder, content)


def record(path):
    """What a manifest says of a file."""
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return {"size": len(data), "mtime_ns": path.stat().st_mtime_ns, "sha256": sha256}


def write_manifest(folder, content):
    """Write a manifest with the digest that it should have."""
    content.pop("digest", None)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["digest"] = hashlib.sha256(canonical.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(content))
