"""Usage reporting by dependencies, switched off before any of them is imported.

Each variable is one that the library documents or was seen to obey, and each library reads it once,
when it is imported. So the package sets them all as its first act, whatever the environment said,
and every process that it starts inherits them.
"""

import os

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime; its own API call does not stop what import began
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, transformers, sentence-transformers
    "RAY_USAGE_STATS_ENABLED": "0",  # ray, and the processes of a cluster that it starts
    "DO_NOT_TRACK": "1",  # whichever library follows the convention of donottrack.sh
}


def switch_off() -> None:
    """Set the variables in the environment of this process."""
    os.environ.update(SWITCHES)
