"""TorchVariables, where PyTorch is installed, and what it refuses, anywhere."""

import numpy as np
import pytest

from rayx.experimental import TorchVariables


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match=r"takes a torch\.nn\.Module, not dict"):
        TorchVariables({})


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def test_parameters_and_buffers(torch):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    variables = TorchVariables(module)
    weights = variables.get_weights()
    assert set(weights) == set(module.state_dict())
    variables.set_weights({"0.bias": np.array([1.0, 2.0])})
    assert module[0].bias.tolist() == [1.0, 2.0]
    assert weights["0.bias"].tolist() != [1.0, 2.0], "a copy is a copy"
    assert module[0].bias.requires_grad


def test_read_only_weights_are_taken(torch):
    module = torch.nn.Linear(2, 1)
    vector = np.arange(3.0)
    vector.flags.writeable = False
    TorchVariables(module).set_flat(vector)
    assert module.bias.tolist() == [2.0]


def test_gradients(torch):
    first, second = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    first(torch.ones(1, 2)).sum().backward()
    gradients = TorchVariables(first).get_gradients()
    assert gradients["weight"].tolist() == [[1.0, 1.0]]
    TorchVariables(second).set_gradients(gradients)
    assert second.weight.grad.tolist() == [[1.0, 1.0]]
    TorchVariables(second).set_gradients({})
    assert second.weight.grad is None
    with pytest.raises(ValueError, match="no parameters called x"):
        TorchVariables(second).set_gradients({"x": np.zeros(1)})
