"""Weights by name and as one vector, of a stand-in for a network."""

import numpy as np
import pytest

from rayx.experimental.weights import FlatWeights


class Stored(FlatWeights):
    """Weights in a dictionary."""

    def __init__(self):
        self.weights = {"w": np.arange(6.0).reshape(2, 3), "b": np.zeros(3), "step": np.array(7.0)}

    def get_weights(self):
        return {name: value.copy() for name, value in self.weights.items()}

    def _shapes(self):
        return {name: value.shape for name, value in self.weights.items()}

    def _write(self, weights):
        self.weights.update({name: np.array(value) for name, value in weights.items()})


def test_what_is_not_named_keeps_its_value():
    stored = Stored()
    stored.set_weights({"b": [1, 2, 3]})
    assert stored.weights["b"].tolist() == [1, 2, 3]
    assert stored.weights["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_one_vector_and_back():
    stored = Stored()
    vector = stored.get_flat()
    assert vector.tolist() == [0, 1, 2, 3, 4, 5, 0, 0, 0, 7]
    assert stored.get_flat_size() == 10
    stored.set_flat(vector + 1)
    assert stored.weights["step"] == 8 and stored.weights["w"][1, 2] == 6


def test_a_read_only_vector_is_taken():
    vector = Stored().get_flat()
    vector.flags.writeable = False
    Stored().set_flat(vector)


def test_what_does_not_fit_changes_nothing():
    stored = Stored()
    before = stored.get_flat()
    for weights, words in (
        ({"b": [1, 2, 3], "c": 1}, "no weight called 'c'; there are 'w', 'b', 'step'"),
        ({"b": [1, 2, 3], "w": [1, 2]}, r"'w' has the shape \(2, 3\), not \(2,\)"),
        ({}, "no weights were given"),
    ):
        with pytest.raises(ValueError, match=words):
            stored.set_weights(weights)
    for vector in (np.zeros(9), np.zeros((2, 5))):
        with pytest.raises(ValueError, match="the weights are 10 numbers"):
            stored.set_flat(vector)
    assert np.array_equal(stored.get_flat(), before)
