"""Three machines of a cluster that work while a storm goes over them.

cluster = StormyCluster(machines)
...                         # the storm
cluster.go_on()
told = cluster.end()
"""

from cluster_books import AllBooks
from storm_work import StormWork

FAR = '--resources={"far": 4}'


def start_head(machine, *options):
    return machine.start(f"--node-ip-address={machine.address}", "--port=6379", *options)


def assert_nothing_held(sessions):
    with AllBooks(*sessions) as books:
        books.assert_empty(10)
        books.assert_without_workers(10)


class StormyCluster:
    """A head and two members that have `far`; a program on the head and one on a member work."""

    def __init__(self, machines, *head_options):
        one, *others = machines
        self.head = start_head(one, *head_options)
        self.sessions = [self.head]
        for other in others:
            other.copy_key(one)
            self.sessions.append(other.start(f"--redis-address={self.head.cluster}", FAR))
        self.works = [StormWork(machine, self.head.cluster) for machine in machines[:2]]
        self.nodes = [session.node() for session in self.sessions]

    def go_on(self):
        for work in self.works:
            work.goes_on()

    def end(self):
        """What the programs tell; no daemon has ended meanwhile, and nobody holds anything."""
        told = [work.end() for work in self.works]
        assert [session.node() for session in self.sessions] == self.nodes
        assert_nothing_held(self.sessions)
        return told
