import pytest

from rayx import errors, failure_log
from rayx.failure_log import FailureLog


def task(number):
    return f"{number:032x}"


def text_of(number, name="f", error="ValueError: no", argument=0):
    return (
        f"task {name}({argument}) failed (pid={number}, node=01234567, task={task(number)})\n"
        f"Traceback (most recent call last):\n  line of {name}\n{error}"
    )


def error_of(number, name="f"):
    facts = dict.fromkeys(errors._FACTS, "") | {
        "function": name,
        "arguments": "0",
        "pid": number,
        "task_id": task(number),
        "node_id": "01234567" * 5,
        "traceback_text": "Traceback",
    }
    return errors.task_error(facts, ValueError("no"))


class Driver:
    """A log whose time the test tells, with the texts that it has printed."""

    def __init__(self):
        self.now, self.printed, self.referenced = 0.0, [], set()
        self.log = FailureLog(
            self.printed.append, lambda binary: binary in self.referenced, lambda: self.now
        )

    def after(self, seconds):
        self.now += seconds
        self.log.look()
        texts, self.printed[:] = list(self.printed), []
        return texts


@pytest.fixture
def driver():
    made = Driver()
    yield made
    made.log.close()


def test_what_nobody_gets_is_printed(driver):
    driver.log.failed(text_of(1))
    assert driver.after(1.9) == []
    assert driver.after(0.2) == [text_of(1)]
    assert driver.after(100) == []


@pytest.mark.parametrize("order", ["failed first", "got first"])
def test_what_is_got_is_not(driver, order):
    if order == "failed first":
        driver.log.failed(text_of(1))
        driver.log.got(error_of(1))
    else:
        driver.log.got(error_of(1))
        driver.log.failed(text_of(1))
    assert driver.after(100) == []


def test_what_may_still_be_got_is_held_back_for_longer(driver):
    driver.referenced.add(bytes.fromhex(task(1)) + bytes(4))
    driver.log.failed(text_of(1))
    assert driver.after(9) == []
    assert driver.after(2) == [text_of(1)]


def test_equal_ones_are_counted(driver):
    for number in range(50):
        driver.log.failed(text_of(number, argument=number))
    (text,) = driver.after(3)
    assert text == (text_of(0) + "\ntask f failed 49 more times in the same way: ValueError: no")
    driver.log.failed(text_of(51))
    driver.log.failed(text_of(52, error="KeyError: 1"))
    driver.log.failed(text_of(53, name="g"))
    assert driver.after(3) == [
        "task f failed once more in the same way: ValueError: no",
        text_of(52, error="KeyError: 1"),
        text_of(53, name="g"),
    ]


def test_what_is_like_something_got_is_counted_only(driver):
    for number in range(3):
        driver.log.failed(text_of(number))
    driver.log.got(error_of(1))
    driver.log.close()
    assert driver.printed == ["task f failed 2 more times in the same way: ValueError: no"]


def test_a_failure_inside_another_is_seen_with_it(driver):
    driver.log.failed(text_of(1))
    outer = error_of(2, "g")
    outer.__dict__[errors._OURS]["traceback_text"] = text_of(1)
    driver.log.got(outer)
    assert driver.after(100) == []


def test_failures_that_the_node_tells_of(driver):
    text = (
        f"f (task {task(1)}) did not end: worker pid 7 was killed by signal 9 (SIGKILL)\nlast line"
    )
    other = text.replace(task(1), task(2)).replace("pid 7", "pid 8")
    driver.log.failed(text)
    driver.log.failed(other)
    (printed,) = driver.after(3)
    assert printed.startswith(text + "\ntask f failed once more in the same way: f (task …)")
    driver.log.failed(text)
    driver.log.got(errors.WorkerCrashedError(text))
    assert driver.after(100) == []


def test_many_are_not_held_back_one_by_one(driver, monkeypatch):
    monkeypatch.setattr(failure_log, "_HELD_MAX", 10)
    monkeypatch.setattr(failure_log, "_GOT_MAX", 10)
    monkeypatch.setattr(failure_log, "_KINDS_MAX", 10)
    for number in range(100):
        driver.log.got(error_of(1000 + number))
        driver.log.failed(text_of(number, name=f"f{number}"))
    assert len(driver.log._got) == 10
    assert len(driver.log._held) == 10
    assert sum(len(text.split("\n")) > 1 for text in driver.after(3)) == 100
    driver.log.failed(text_of(1))
    assert len(driver.log._kinds) <= 101


def test_it_says_when_it_wants_to_look(driver):
    log, seconds = driver.log, failure_log._LOOK_SECONDS
    assert log.look_if_due() is None
    log.failed(text_of(1))
    looks = 0
    while (left := log.look_if_due()) is not None:
        assert 0 < left <= seconds
        driver.now += left
        looks += 1
    assert driver.printed == [text_of(1)]
    assert looks == failure_log._DROPPED_SECONDS / seconds
    log.failed(text_of(2))
    assert log.look_if_due() == seconds
    log.got(error_of(2))
    assert log.look_if_due() is None


def test_the_end_prints_the_rest(driver):
    driver.log.failed(text_of(1))
    driver.log.close()
    assert driver.printed == [text_of(1)]


def test_that_a_call_met_the_end_of_its_driver_is_no_news(driver):
    label = f"Runner.step (task {task(1)}) failed: actor Runner ({task(2)}) is dead: "
    driver.log.failed(label + "its driver ends")
    assert driver.after(100) == []
    driver.log.failed(label + "nobody refers to it any more")
    assert driver.after(100) == [label + "nobody refers to it any more"]


def test_a_finalizer_may_get_an_error_in_the_midst(with_finalizer_within):
    driver = Driver()
    for number in range(100):
        driver.log.failed(text_of(number))
    numbers = iter(range(100))
    with_finalizer_within(driver.log.look, lambda: driver.log.got(error_of(next(numbers))))
    driver.log.close()
    assert len(driver.printed) == 1
