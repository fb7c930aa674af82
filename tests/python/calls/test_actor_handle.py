import copy
import pickle

import pytest

import rayx
from rayx.calls.actor_handle import ActorHandle


@rayx.remote
class Box:
    limit = 5

    def __init__(self, value=None):
        self.value = value

    def get(self):
        return self.value

    def set(self, value, *, twice=False):
        self.value = [value, value] if twice else value

    @rayx.method(num_return_vals=2)
    def split(self):
        return self.value, 2

    def items(self):
        yield self.value

    def _hidden(self):
        return "hidden"

    def __call__(self):
        return "called"

    @staticmethod
    def add(a, b):
        return a + b

    @classmethod
    def kind(cls):
        return cls.__name__

    @property
    def size(self):
        return 1


@pytest.fixture
def box(node):
    return Box.remote()


def test_methods_of_all_kinds(box):
    assert rayx.get(box.get.remote()) is None
    assert rayx.get(box.set.remote(1, twice=True)) is None
    assert rayx.get(box.get.remote()) == [1, 1]
    assert rayx.get(box.add.remote(1, 2)) == 3
    assert rayx.get(box.kind.remote()) == "Box"
    assert rayx.get(box._hidden.remote()) == "hidden"
    assert rayx.get(box.__call__.remote()) == "called"


def test_several_results(box):
    first, second = box.split.remote()
    assert rayx.get([first, second]) == [None, 2]
    assert rayx.get(box.split.options(num_return_vals=1).remote()) == (None, 2)
    assert box.get.options(num_return_vals=0).remote() is None


def test_what_the_node_is_told(node, box):
    box.get.options(timeout=2.5, name="reader").remote()
    box.get.options(timeout=2.5).options(num_return_vals=2).remote()
    templates = [template for template, _ in node.submitted[1:]]
    assert [template.name for template in templates] == ["reader", "Box.get"]
    assert [template.options["timeout_ms"] for template in templates] == [2500, 2500]
    assert [template.method for template in templates] == ["get", "get"]
    assert templates[0].actor == box._rayx_id
    assert templates[0].resources == {}


def test_no_name_is_the_methods_own(node, box):
    box.get.options(name="reader").options(name=None).remote()
    assert node.submitted[-1][0].name == "Box.get"


def test_wrong_arguments(node, box):
    with pytest.raises(TypeError, match=r"^Box\.set\(\) missing 1 required positional argument"):
        box.set.remote()
    with pytest.raises(TypeError, match=r"^Box\.set\(\) takes 1 positional argument but 2 "):
        box.set.remote(1, True)
    with pytest.raises(TypeError, match=r"^Box\.get\(\) takes 0 positional arguments but 1 was"):
        box.get.remote(1)
    with pytest.raises(TypeError, match="Box.items is a generator"):
        box.items.remote()
    assert len(node.submitted) == 1


def test_wrong_use(box):
    with pytest.raises(TypeError, match=r"Box\.get is a method .* use \.get\.remote\(\)"):
        box.get()
    with pytest.raises(AttributeError, match=r"Box has no method 'gett'; did you mean 'get'"):
        box.gett.remote()
    with pytest.raises(AttributeError, match="no method 'value'; it has .*read from outside"):
        _ = box.value
    for name in ("limit", "size"):
        with pytest.raises(AttributeError, match=f"no method '{name}'"):
            getattr(box, name)
    with pytest.raises(AttributeError, match="call a method of Box that sets 'value'"):
        box.value = 1
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del box.value
    with pytest.raises(TypeError, match="has no option 'num_cpus'"):
        box.get.options(num_cpus=1)
    with pytest.raises(TypeError, match=r"no option 'timout'; it has .*Did you mean 'timeout'\?"):
        box.get.options(timout=1)
    with pytest.raises(ValueError, match="timeout must be more than 0"):
        box.get.options(timeout=0)
    with pytest.raises(TypeError, match="not callable"):
        box()
    assert not hasattr(box, "__iter__")


def test_equality(node):
    first, second = Box.remote(), Box.remote()
    again = pickle.loads(pickle.dumps(first))
    assert first == again
    assert first != second
    assert first != 5
    assert len({first, again, second}) == 2
    assert copy.copy(first) == first
    assert copy.deepcopy(first) == first


def test_travels(node, box):
    @rayx.remote
    def fill(target, value):
        return rayx.get(target["box"].set.remote(value))

    rayx.get(fill.remote({"box": box}, 3))
    assert rayx.get(box.get.remote()) == 3
    holder = Box.remote(box)
    again = rayx.get(holder.get.remote())
    assert again == box
    assert rayx.get(again.get.remote()) == 3
    stored = rayx.put([box])
    assert node.objects[stored.binary()].contained == [box._rayx_id]
    assert rayx.get(stored) == [box]


def test_a_method_travels(node, box):
    method = pickle.loads(pickle.dumps(box.split.options(num_return_vals=1, timeout=3)))
    assert repr(method) == "<rayx actor method Box.split>"
    assert rayx.get(method.remote()) == (None, 2)


def test_needs_no_class_to_travel(box):
    pickled = pickle.dumps(box)
    assert b"test_actor_handle" not in pickled
    assert len(pickled) < 1000


def test_shows_itself(box):
    assert repr(box).startswith("<rayx actor Box ")
    assert {"get", "set", "split"} <= set(dir(box))
    assert isinstance(box, ActorHandle)
    assert not callable(getattr(box, "remote", None))


def test_methods_are_made_once(box):
    assert box.get is box.get


@pytest.mark.parametrize("name", ["__getitem__", "__len__", "__enter__"])
def test_special_methods_are_told_apart_from_others(box, name):
    with pytest.raises(AttributeError, match=r"others can call __call__ only; give the class a"):
        getattr(box, name)
    assert not hasattr(box, name)
