"""What the members of a cluster know of each other, as the head tells them."""

import json
import os
import signal

import pytest
from cluster_machines import Machines, Watcher, start_cluster
from hosts import refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# Tells whom its node knows beside the head, whenever it is asked.
_KNOWN = """
import json, sys
import rayx
from rayx import questions

rayx.init(redis_address=sys.argv[1])
for line in sys.stdin:
    lines = questions.dump(rayx.session.current().client, 10_000).splitlines()
    print(json.dumps([line.split()[1::2] for line in lines if line.startswith("  member ")]),
          flush=True)
"""


class Member:
    def __init__(self, machine, cluster):
        self._program = machine.start_program(_KNOWN, cluster)

    def knows(self):
        """The ids of others, by their addresses without ports."""
        self._program.stdin.write("known\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, self._program.stderr.read()
        return {address.rpartition(":")[0]: node for node, address in json.loads(line)}


def test_members_know_each_other_whoever_is_started_again():
    with Machines(3) as machines:
        _, two, three = machines
        head, _, last = start_cluster(machines)
        watcher = Watcher(two, head.cluster)
        member = Member(two, head.cluster)

        def knows_the_last():
            living = watcher.living().get(three.address)
            return living is not None and member.knows() == {three.address: living}

        poll_until(knows_the_last, 10, "the other member")
        for session in (last, head, last):
            former = member.knows()
            os.kill(session.node(), signal.SIGKILL)
            if session is last:
                poll_until(lambda former=former: member.knows() != former, 10, "it is dead")
            poll_until(knows_the_last, 20, "the member that lives")
        # It is another node each time.
        poll_until(lambda: len(watcher.nodes()) == 3 + 3, 10, "all that there were")
        assert member.knows() != former
        watcher.end()
