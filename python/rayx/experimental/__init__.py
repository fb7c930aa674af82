"""What may still change: weights of networks, and arrays cut into blocks.

- `TensorFlowVariables`, `TorchVariables`: the weights of a network as a dictionary of arrays, which
  travel between processes where the network itself cannot.
- `rayx.experimental.array`: functions on arrays as tasks, and arrays that are cut into blocks.

Everything here is an ordinary program on the interface of `rayx`. Each part is imported when it is
first used: the frameworks behind them are slow to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rayx.experimental.tensorflow_variables import TensorFlowVariables
    from rayx.experimental.torch_variables import TorchVariables

__all__ = ["TensorFlowVariables", "TorchVariables"]


def __getattr__(name: str) -> Any:
    if name == "TensorFlowVariables":
        from rayx.experimental.tensorflow_variables import TensorFlowVariables

        return TensorFlowVariables
    if name == "TorchVariables":
        from rayx.experimental.torch_variables import TorchVariables

        return TorchVariables
    if name == "array":
        import rayx.experimental.array.distributed
        import rayx.experimental.array.remote

        return rayx.experimental.array
    raise AttributeError(f"module 'rayx.experimental' has no attribute '{name}'")
