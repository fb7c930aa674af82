import resource

import pytest

import rayx
from rayx.launch import process_limits

UNLIMITED = resource.RLIM_INFINITY
GIB = 1 << 30


@pytest.fixture
def limited(monkeypatch, tmp_path):
    """Sets what getrlimit says, and how much address space is in use; the /proc to look in."""
    (tmp_path / "self").mkdir()

    def limit(file_bytes=UNLIMITED, space_bytes=UNLIMITED, used_bytes=0):
        limits = {resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_AS: space_bytes}
        monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], UNLIMITED))
        pages = used_bytes // resource.getpagesize()
        (tmp_path / "self" / "statm").write_text(f"{pages} 10 5 1 0 5 0\n")
        return tmp_path

    return limit


def test_without_limits_everything_is_there(limited):
    assert process_limits.default_store_bytes(5 * GIB, limited()) == 5 * GIB
    process_limits.check_store(1 << 60, limited())


def test_the_default_store_fits_into_a_file(limited):
    proc = limited(file_bytes=GIB)
    assert process_limits.default_store_bytes(5 * GIB, proc) == GIB - 4096
    assert process_limits.default_store_bytes(1 << 20, proc) == 1 << 20
    process_limits.check_store(GIB - 4096, proc)
    with pytest.raises(rayx.StartError, match=r"1,073,741,824 bytes here.*`ulimit -f unlimited`"):
        process_limits.check_store(GIB, proc)


def test_the_default_store_leaves_half_of_the_address_space(limited):
    proc = limited(space_bytes=9 * GIB, used_bytes=GIB)
    assert process_limits.default_store_bytes(5 * GIB, proc) == 2 * GIB
    process_limits.check_store(3 * GIB, proc)
    with pytest.raises(
        rayx.StartError, match=r"8,589,934,592 are left here.*`ulimit -v unlimited`"
    ):
        process_limits.check_store(4 * GIB, proc)


def test_less_than_nothing_is_nothing(limited):
    proc = limited(file_bytes=0, space_bytes=GIB, used_bytes=2 * GIB)
    assert process_limits.default_store_bytes(GIB, proc) == 0
    with pytest.raises(rayx.StartError, match="ulimit -f"):
        process_limits.check_store(1 << 20, proc)
