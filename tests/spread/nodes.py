"""A Ray cluster of two nodes on this machine, which ends when its standard input does.

    python nodes.py

Prints a line of JSON: the address, and the process that is the second node. A killed node counts as
lost after some two seconds rather than after a quarter of a minute.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"

from ray.cluster_utils import Cluster

HASTE = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}


def main():
    # Sockets lie in it, whose paths may be a hundred characters long.
    with tempfile.TemporaryDirectory(
        prefix="ragqa-nodes-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        # Ray notes the address of the cluster there, in a folder that it takes to be there.
        os.environ["RAY_TMPDIR"] = folder
        # Without it Ray asks the addresses of clouds which of them it runs in.
        Path(folder, "ray_bootstrap_config.yaml").write_text("{}\n")
        os.environ["HOME"] = folder
        cluster, second = start()
        process = second.all_processes["raylet"][0].process
        sys.stdout.write(json.dumps({"address": cluster.address, "second": process.pid}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        cluster.shutdown()


def start():
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": HASTE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    return cluster, cluster.add_node(num_cpus=1)


main()
