"""What cannot be joined, and what the driver is told."""

import os
import shutil
import socket
import threading

import pytest
from message_writer import frame
from other_user import as_root, run_as_nobody

import rayx


def refusal(run_program, address):
    program = """
import sys
import rayx
try:
    rayx.init(redis_address=sys.argv[1])
except rayx.StartError as error:
    print(error)
"""
    return run_program(program, address)[0]


@pytest.fixture
def stale(rayx_session):
    """A directory as that of a session, with nobody in it; and its address."""
    place = os.path.join(os.environ["TMPDIR"], "rayx-stale")
    os.mkdir(place, 0o700)
    for name in ("session.json", "ending"):
        shutil.copy(os.path.join(rayx_session["session_dir"], name), place)
    yield place, f"unix:{place}/control-0/redis.sock"
    shutil.rmtree(place)


def test_a_place_at_which_nobody_listens(stale, run_program):
    place, address = stale
    text = refusal(run_program, address)
    assert text.startswith(f"cannot join the session at redis_address={address!r}: ")
    assert "No such file" in text
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{place}/node.sock")  # a file of that name, with nobody behind it
    assert "Connection refused" in refusal(run_program, address)


STRANGERS = {
    "speaks http": (b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100), "cannot join"),
    "hangs up": (b"", "cannot join"),
    # Refused, as a node of another version of rayx does (cpp/common/protocol/messages.fbs).
    "another version": (
        frame(3, {0: "this node speaks version 9 of rayx's protocol, the peer version 1"}),
        "the node refused the connection: this node speaks version 9",
    ),
    "is silent": (None, "the node did not answer the hello in time"),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_server_that_is_no_node_of_ours(stale, run_program, stranger):
    place, address = stale
    answer, said = STRANGERS[stranger]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{place}/node.sock")
        server.listen()

        def serve():
            peer, _ = server.accept()
            with peer:
                peer.recv(1 << 16)
                if answer is not None:
                    peer.sendall(answer)
                    return
                while peer.recv(1 << 16):
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        text = refusal(run_program, address)
        thread.join()
    assert text.startswith("cannot join the session at redis_address=") and said in text


@as_root
def test_a_session_of_another_user(rayx_session, open_place):
    def join(address):
        from rayx.launch.joining import JoinedSession

        try:
            JoinedSession.find(address)
        except rayx.StartError as error:
            return str(error)

    text = run_as_nobody(join, rayx_session["redis_address"])
    assert "the session belongs to another user, " in text
