"""Real nodes, of this machine."""

import os

from rayx import questions
from rayx._raylet import Client
from rayx.launch.init_options import InitOptions
from rayx.records import session_records
from rayx.runs.own_node import OwnNode
from rayx.standing import members

OPTIONS = InitOptions.checked(num_cpus=1, object_store_memory=1 << 24)
KEY = bytes(range(32))


def test_a_head_and_a_member_that_is_drained():
    head = OwnNode.start(OPTIONS, "127.0.0.1", KEY)
    member = OwnNode.start(OPTIONS, "127.0.0.1", KEY, head=head.address)
    try:
        members.wait_for_count(head.record, 2, deadline=members.in_seconds(20))
        assert len(session_records.read_all()) == 2
        assert not member.wait(0)
        member.drain()
        assert member.wait(20)
        assert len(session_records.read_all()) == 1
    finally:
        member.stop()
        head.stop()
    assert session_records.read_all() == []
    head.stop()  # does nothing


def test_a_member_ends_with_its_head_and_says_so():
    head = OwnNode.start(OPTIONS, "127.0.0.1", KEY)
    member = OwnNode.start(OPTIONS, "127.0.0.1", KEY, head=head.address)
    members.wait_for_count(head.record, 2, deadline=members.in_seconds(20))
    head.stop()
    assert member.wait(20)
    assert member.why_it_ended() == "the head has ended the cluster"
    member.stop()


def test_the_key_is_in_no_file():
    head = OwnNode.start(OPTIONS, "127.0.0.1", KEY)
    try:
        place = session_records.directory()
        assert [name for name in os.listdir(place) if name.endswith(".key")] == []
        client = Client.connect_observer(f"{head.record.session_dir}/node.sock", os.urandom(16))
        assert questions.node(client, 5_000)["host"] == "127.0.0.1"
        client.close()
    finally:
        head.stop()
