"""A real Ray cluster of two nodes on this machine, in a process of its own: `python ray_nodes.py [PROCESSORS]`.

Prints its address; then each line of its input is an order: ``kill`` ends the second node as a power cut would.
It ends with its input. Dashboard and usage statistics are off; the token is in RAY_AUTH_TOKEN_PATH, and all
that Ray writes lies under RAY_TMPDIR.
"""

from __future__ import annotations

import contextlib
import sys

from ray.cluster_utils import Cluster


def main() -> None:
    cpus = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    common = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": 80 << 20}
    with contextlib.redirect_stdout(sys.stderr):
        cluster = Cluster(initialize_head=True, head_node_args=common)
        second = cluster.add_node(**common)
    sys.stdout.write(f"{cluster.address}\n")
    sys.stdout.flush()
    for order in sys.stdin:
        if order.strip() == "kill":
            cluster.remove_node(second, allow_graceful=False)
            sys.stdout.write("killed\n")
            sys.stdout.flush()
    cluster.shutdown()


if __name__ == "__main__":
    main()
