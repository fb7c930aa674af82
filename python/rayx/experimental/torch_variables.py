"""The weights of a PyTorch module as a dictionary of arrays.

variables = rayx.experimental.TorchVariables(module)
weights = variables.get_weights()
variables.set_weights(weights)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rayx.experimental.weights import FlatWeights


class TorchVariables(FlatWeights):
    """Gets and sets the parameters and buffers of a module, wherever they are, as numpy arrays.

    Names are those of `module.state_dict()`. `get_gradients` and `set_gradients` do the same with
    the gradients of the parameters, for data-parallel training: average what several processes have
    computed, set it, and let the optimizer step.
    """

    def __init__(self, module: Any) -> None:
        if not hasattr(module, "state_dict"):
            raise TypeError(f"TorchVariables takes a torch.nn.Module, not {type(module).__name__}")
        self.module = module

    def get_weights(self) -> dict[str, np.ndarray]:
        """A copy of all parameters and buffers by name."""
        return {name: _array_of(tensor) for name, tensor in self.module.state_dict().items()}

    def get_gradients(self) -> dict[str, np.ndarray]:
        """A copy of the gradients by the parameter's name; of those that have one."""
        return {
            name: _array_of(parameter.grad)
            for name, parameter in self.module.named_parameters()
            if parameter.grad is not None
        }

    def set_gradients(self, gradients: Mapping[str, np.ndarray]) -> None:
        """Sets the gradients of these parameters, and removes those of all others."""
        import torch

        parameters = dict(self.module.named_parameters())
        unknown = sorted(set(gradients) - set(parameters))
        if unknown:
            raise ValueError(f"there are no parameters called {', '.join(unknown)}")
        for name, parameter in parameters.items():
            if name in gradients:
                parameter.grad = torch.tensor(
                    gradients[name], dtype=parameter.dtype, device=parameter.device
                )
            else:
                parameter.grad = None

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(tensor.shape) for name, tensor in self.module.state_dict().items()}

    def _write(self, weights: Mapping[str, np.ndarray]) -> None:
        import torch

        state = self.module.state_dict()  # tensors that share the module's memory
        with torch.no_grad():
            for name, value in weights.items():
                # torch.tensor copies, as it must: arrays that were got are read-only.
                state[name].copy_(torch.tensor(value))


def _array_of(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())
