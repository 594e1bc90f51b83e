"""Switch off usage reporting by dependencies before any of them is imported.

Each library documents its variable, or was observed to obey it, and reads it once, on import. So
the package sets them all first, whatever the environment says; child processes inherit them.
"""

import os

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime; its own API call does not stop what import began
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, transformers, sentence-transformers
    "RAY_USAGE_STATS_ENABLED": "0",  # ray and the cluster processes that it starts
    "DO_NOT_TRACK": "1",  # any library that follows donottrack.sh
}


def switch_off() -> None:
    """Set the variables in this process's environment."""
    os.environ.update(SWITCHES)
