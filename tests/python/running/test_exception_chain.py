import dataclasses
import pickle
import threading

from rayx.running import exception_chain


def pickle_one(error):
    try:
        return pickle.dumps(error), [f"id in {error}"]
    except TypeError:
        return None, []


def sent(error):
    """The exception as it comes out, and the ids in it."""
    pickled, contained = exception_chain.pickled_with(error, pickle_one)
    return None if pickled is None else pickle.loads(pickled), contained


def raised(raise_it):
    try:
        raise_it()
    except Exception as error:
        return error


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int

    def __reduce__(self):
        return Frozen, (self.code,)


def test_one_alone():
    error, contained = sent(ValueError("alone"))
    assert repr(error) == "ValueError('alone')"
    assert (error.__cause__, error.__context__, error.__suppress_context__) == (None, None, False)
    assert contained == ["id in alone"]


def test_causes_and_contexts():
    def work():
        try:
            try:
                {}["a"]
            except KeyError:
                int("b")
        except ValueError as error:
            raise RuntimeError("c") from error

    error, contained = sent(raised(work))
    assert repr(error) == "RuntimeError('c')"
    assert isinstance(error.__cause__, ValueError)
    assert error.__context__ is error.__cause__
    assert error.__suppress_context__ is True
    assert repr(error.__cause__.__context__) == "KeyError('a')"
    assert error.__cause__.__suppress_context__ is False
    assert len(contained) == 3


def test_from_none():
    def work():
        try:
            {}["a"]
        except KeyError:
            raise ValueError("b") from None

    error, _ = sent(raised(work))
    assert (error.__cause__, error.__suppress_context__) == (None, True)
    assert isinstance(error.__context__, KeyError)


def test_what_cannot_be_pickled_is_left_out():
    error = ValueError("a")
    error.__cause__ = TypeError(threading.Lock())
    error.__cause__.__cause__ = KeyError("b")
    came, _ = sent(error)
    assert repr(came) == "ValueError('a')"
    assert came.__cause__ is None
    error = TypeError(threading.Lock())
    error.__cause__ = KeyError("b")
    assert sent(error) == (None, [])


def test_a_class_that_forbids_to_set_attributes():
    error = Frozen(3)
    BaseException.__dict__["__cause__"].__set__(error, KeyError("b"))
    came, _ = sent(error)
    assert came.code == 3
    assert repr(came.__cause__) == "KeyError('b')"


def test_loops_and_long_chains_end():
    error = ValueError("a")
    error.__cause__ = KeyError("b")
    error.__cause__.__context__ = error
    came, contained = sent(error)
    assert came.__cause__.__context__ is came
    assert len(contained) == 2
    for number in range(1000):
        before, error = error, ValueError(number)
        error.__context__ = before
    came, contained = sent(error)
    assert len(contained) == exception_chain._LENGTH_MAX
    assert came.__context__.args == (998,)
