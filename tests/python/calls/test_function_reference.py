import pickle

import pytest

import rayx
from rayx import session
from rayx.calls import function_reference
from rayx.calls.function_reference import FunctionReference


@rayx.remote
def double(x):
    return 2 * x


def test_copies_share_one_reference(node):
    assert double.options(num_cpus=2)._reference is double._reference
    assert rayx.get(double.options(num_cpus=1).remote(2)) == 4
    assert len(node.exports) == 1
    assert rayx.get(double.remote(2)) == 4
    assert len(node.exports) == 1


def test_what_comes_in_a_value_refers_to_the_function(node):
    again = pickle.loads(pickle.dumps(double))
    assert again == double
    reference = again._reference
    assert reference.function is None
    assert reference.client is session.current().client
    assert reference.object_id == double._reference.object_id
    assert rayx.get(again.remote(3)) == 6
    assert again.function(4) == 8


def test_what_is_pickled_is_noted(node):
    serialized = rayx.values.serialization.serialize([double])
    assert serialized.contained == [double._reference.object_id]
    pickle.dumps(double)
    kept = session.current()._escaped
    assert double._reference.object_id.binary() in kept, "nobody knows who has it now"


def test_without_a_session_it_is_a_mere_name():
    reference = function_reference.received(b"f" * 16, "f")
    assert reference.client is None and reference.object_id is None
    with pytest.raises(rayx.NotInitializedError):
        reference.loaded()


def test_which_object_stands_for_which_function():
    binary = function_reference.object_binary(b"f" * 16)
    assert function_reference.function_of(binary) == b"f" * 16
    assert function_reference.function_of(b"f" * 16 + bytes(4)) is None


def test_a_session_that_is_over_is_let_go(node):
    reference = FunctionReference(b"f" * 16, "f", len)
    session.current().functions.export(reference)
    assert reference.object_id is not None
    reference.release()
    assert reference.object_id is None
