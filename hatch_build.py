"""Make the long description of the package from README.md.

Outside the repository a relative link leads nowhere. It becomes a link to the release in the
repository that `Source` in `[project.urls]` names; without one its text alone stays.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE = re.compile(r"(!?)\[([^]]*)\]\((?!https?:)([^)\s]+)\)")


class LongDescription(MetadataHookInterface):
    """What `readme` is when a wheel or an sdist is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme`."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        source = metadata.get("urls", {}).get("Source", "")
        described = long_description(text, source, metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": described}


def long_description(text: str, source: str, version: str) -> str:
    """The text with no relative link; `source` is the address of the repository, or ""."""

    def elsewhere(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        if not source:
            return "" if picture else words
        target = f"README.md{target}" if target.startswith("#") else target
        return f"{picture}[{words}]({source}/{'raw' if picture else 'blob'}/v{version}/{target})"

    return _RELATIVE.sub(elsewhere, text)
