from rayx.inline.resources import InlineResources


def test_take_and_give_back():
    resources = InlineResources({"CPU": 2.0, "GPU": 2.0})
    first = resources.take({"CPU": 1.0, "GPU": 1.0})
    second = resources.take({"CPU": 1.0, "GPU": 0.5})
    assert (first.gpus, second.gpus) == ([0], [1])
    assert resources.available() == {"CPU": 0.0, "GPU": 0.5}
    resources.give_back(first)
    resources.give_back(first)
    assert resources.available() == {"CPU": 1.0, "GPU": 1.5}
    assert resources.take({"GPU": 1.0}).gpus == [0]


def test_a_task_in_a_task_may_hold_the_same():
    resources = InlineResources({"GPU": 1.0})
    assert resources.take({"GPU": 1.0}).gpus == resources.take({"GPU": 1.0}).gpus == [0]
    assert resources.available() == {"GPU": 0.0}


def test_what_there_will_never_be():
    resources = InlineResources({"CPU": 2.0})
    assert resources.lacking({"CPU": 2.0}) == ""
    assert resources.lacking({"CPU": 3.0, "disk": 1.0}) == (
        "3 CPU, of which there are 2 in all and 1 disk, of which there are 0 in all"
    )
