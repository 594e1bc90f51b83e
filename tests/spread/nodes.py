"""A Ray cluster of two nodes on this machine, which ends when its standard input does.

    python nodes.py

Prints a line of JSON: the address, and the process that is the second node. A killed node counts as
lost after some two seconds rather than after a quarter of a minute.
"""

import json
import os
import sys

os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"

from ray.cluster_utils import Cluster

HASTE = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}


def main():
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": HASTE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(num_cpus=1)
    process = second.all_processes["raylet"][0].process
    sys.stdout.write(json.dumps({"address": cluster.address, "second": process.pid}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    cluster.shutdown()


main()
