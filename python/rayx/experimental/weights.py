"""What the weights of any network can do, once they can be read and written by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

# Names that an error shows.
_SHOWN = 5


class FlatWeights(ABC):
    """Weights by name, and all of them as one vector, as optimizers of scipy want them."""

    @abstractmethod
    def get_weights(self) -> dict[str, np.ndarray]:
        """A copy of all weights by name."""

    @abstractmethod
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each weight."""

    @abstractmethod
    def _write(self, weights: Mapping[str, np.ndarray]) -> None:
        """Assigns these, which fit."""

    def set_weights(self, weights: Mapping[str, np.ndarray]) -> None:
        """Assigns weights by name. Those that are not named keep their values.

        ValueError if one is unknown or has another shape; nothing is assigned then.
        """
        shapes = self._shapes()
        unknown = [name for name in weights if name not in shapes]
        if unknown or not weights:
            raise ValueError(
                f"there is no weight called {_listed(unknown)}; there are {_listed(list(shapes))}"
                if unknown
                else f"no weights were given; there are {_listed(list(shapes))}"
            )
        arrays = {name: np.asarray(value) for name, value in weights.items()}
        for name, value in arrays.items():
            if value.shape != shapes[name]:
                raise ValueError(
                    f"the weight {name!r} has the shape {shapes[name]}, not {value.shape}"
                )
        self._write(arrays)

    def get_flat_size(self) -> int:
        """How many numbers the weights are."""
        return sum(int(np.prod(shape)) for shape in self._shapes().values())

    def get_flat(self) -> np.ndarray:
        """All weights as one vector, in the order of `get_weights`."""
        return np.concatenate([value.ravel() for value in self.get_weights().values()])

    def set_flat(self, vector: np.ndarray) -> None:
        """Assigns all weights from such a vector."""
        vector = np.asarray(vector)
        if vector.shape != (self.get_flat_size(),):
            raise ValueError(
                f"the weights are {self.get_flat_size()} numbers, but the vector given has the "
                f"shape {vector.shape}"
            )
        weights, start = {}, 0
        for name, shape in self._shapes().items():
            end = start + int(np.prod(shape))
            weights[name] = vector[start:end].reshape(shape)
            start = end
        self._write(weights)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
