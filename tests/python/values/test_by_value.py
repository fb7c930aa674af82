import io
import pickle
import subprocess
import sys

import pytest

import rayx
from rayx.values import by_value


def dumped(value):
    file = io.BytesIO()
    by_value.ByValuePickler(file, protocol=5).dump(value)
    return file.getvalue()


def test_code_keeps_the_name_of_its_file():
    function = pickle.loads(dumped(lambda: 1))
    assert function.__code__.co_filename == __file__


class Singleton:
    def __reduce__(self):
        return self.name


def test_a_name_that_only_this_process_knows_is_refused():
    missing = Singleton()
    missing.name = "MISSING"
    missing.__module__ = "__main__"
    with pytest.raises(pickle.PicklingError, match="'MISSING'.* module that other processes"):
        dumped([missing])


def test_a_name_that_others_can_import_is_none_of_our_business():
    known = Singleton()
    known.name = "getcwd"
    known.__module__ = "os"
    with pytest.raises(pickle.PicklingError, match="not the same object"):
        dumped(known)


class Reduced:
    def __reduce__(self):
        return int, (3,)


def test_what_reduces_itself_to_a_call_does_so():
    assert pickle.loads(dumped([Reduced()])) == [3]


@rayx.remote
class Base:
    def own(self):
        return Base


@rayx.remote
class Child(Base):
    def parent(self):
        return Base


def test_the_code_of_a_class_has_the_class_by_its_name(node):
    pickle.loads(dumped(Child.cls))
    copy = pickle.loads(dumped(Child.cls))
    assert copy.parent(None) is copy.__base__
    assert copy.own(None) is copy.__base__
    assert copy.__base__.remote is not None
    assert copy.__base__.cls is copy.__base__
    assert not hasattr(copy(), "remote")


def test_elsewhere_it_is_the_remote_class(node):
    assert pickle.loads(dumped([Base])) == [Base]
    assert pickle.loads(dumped(lambda: Base))() == Base


def test_what_takes_classes_apart_is_imported_for_the_first_class():
    code = (
        "import io, sys\n"
        "from rayx.values import by_value\n"
        "pickler = by_value.ByValuePickler(io.BytesIO(), protocol=5)\n"
        "pickler.dump(lambda: 1)\n"
        "assert 'rayx.values.class_parts' not in sys.modules\n"
        "pickler.dump(type('C', (), {}))\n"
        "assert 'rayx.values.class_parts' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
