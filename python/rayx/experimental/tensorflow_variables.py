"""The weights of a TensorFlow network as a dictionary of arrays.

A graph cannot be sent to another process in a sensible way; its weights can. So each process builds
the same network once, and the weights travel:

    variables = rayx.experimental.TensorFlowVariables(loss, session)   # a graph of TensorFlow 1
    variables = rayx.experimental.TensorFlowVariables(model)           # a Keras model
    weights = variables.get_weights()
    variables.set_weights(weights)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rayx.experimental.weights import FlatWeights


class TensorFlowVariables(FlatWeights):
    """Gets and sets the variables of a graph or of a Keras model.

    - Of a graph (`tf.compat.v1`): `output` is a tensor or an operation, usually the loss or the
      training step. Its variables are all that it depends on, so those of an optimizer belong to
      the training step and not to the loss. `session` runs the assignments; it can be given later
      by `set_session`. `input_variables` are further variables.
    - Of a Keras model: `output` is the model, which must have been built (called once, or made with
      an input shape).

    Names are those of the graph; of a model, a weight's number and name ("0/kernel"), which are the
    same in all processes that build the same model. Assigning adds nothing to the graph.
    """

    def __init__(
        self, output: Any, session: Any = None, input_variables: Sequence[Any] | None = None
    ) -> None:
        self._store: _Store
        if _is_model(output):
            if session is not None or input_variables is not None:
                raise TypeError(
                    "of a Keras model, TensorFlowVariables takes the model only: no session and no "
                    "input_variables"
                )
            self._store = _ModelStore(output)
        else:
            self._store = _GraphStore(output, session, input_variables or ())

    @property
    def sess(self) -> Any:
        """The session that runs the assignments; None for a Keras model."""
        return self._store.session

    @property
    def variables(self) -> dict[str, Any]:
        """The framework's variables by name."""
        return dict(self._store.variables)

    def set_session(self, session: Any) -> None:
        """Takes another session of the same graph."""
        if isinstance(self._store, _ModelStore):
            raise TypeError("a Keras model has no session")
        self._store.session = session

    def get_weights(self) -> dict[str, np.ndarray]:
        """A copy of all weights by name."""
        return self._store.read()

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(variable.shape) for name, variable in self._store.variables.items()}

    def _write(self, weights: Mapping[str, np.ndarray]) -> None:
        self._store.write(weights)


class _Store(Protocol):
    """Where the weights are."""

    session: Any

    @property
    def variables(self) -> dict[str, Any]: ...

    def read(self) -> dict[str, np.ndarray]: ...

    def write(self, weights: Mapping[str, np.ndarray]) -> None: ...


class _GraphStore:
    """The variables of a graph. One assignment for each is added to the graph, here and once."""

    def __init__(self, output: Any, session: Any, further: Sequence[Any]) -> None:
        import tensorflow.compat.v1 as tf

        self.session = session
        operation = getattr(output, "op", output)
        graph = getattr(operation, "graph", None)
        if graph is None:
            raise TypeError(
                "TensorFlowVariables takes a tensor or an operation of a graph, or a Keras model, "
                f"not {type(output).__name__}. With eager execution there is no graph: build the "
                "network in `with tf.Graph().as_default():`"
            )
        needed = _names_below(operation)
        with graph.as_default():
            found = [variable for variable in tf.global_variables() if variable.op.name in needed]
            known = {variable.op.name for variable in found}
            found += [variable for variable in further if variable.op.name not in known]
            if not found:
                raise ValueError(f"{output!r} depends on no variable")
            self.variables = {variable.op.name: variable for variable in found}
            self._placeholders = {
                name: tf.placeholder(variable.dtype.base_dtype, variable.shape)
                for name, variable in self.variables.items()
            }
            self._assignments = {
                name: variable.assign(self._placeholders[name]).op
                for name, variable in self.variables.items()
            }
            self._values = {
                name: variable.read_value() for name, variable in self.variables.items()
            }

    def read(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = self._needed_session().run(self._values)
        return found

    def write(self, weights: Mapping[str, np.ndarray]) -> None:
        self._needed_session().run(
            [self._assignments[name] for name in weights],
            feed_dict={self._placeholders[name]: value for name, value in weights.items()},
        )

    def _needed_session(self) -> Any:
        if self.session is None:
            raise ValueError(
                "TensorFlowVariables has no session to read and assign in: give it one by "
                "set_session(session)"
            )
        return self.session


def _names_below(operation: Any) -> set[str]:
    """The names of all operations that this one depends on."""
    seen = {operation.name}
    waiting = [operation]
    while waiting:
        one = waiting.pop()
        for other in [tensor.op for tensor in one.inputs] + list(one.control_inputs):
            if other.name not in seen:
                seen.add(other.name)
                waiting.append(other)
    return seen


class _ModelStore:
    """The weights of a Keras model."""

    session = None

    def __init__(self, model: Any) -> None:
        if not model.built or not model.weights:
            raise ValueError(
                "the model has no weights yet: give it an input shape, or call it once, before"
            )
        self.variables = {
            f"{number}/{weight.name}": weight for number, weight in enumerate(model.weights)
        }

    def read(self) -> dict[str, np.ndarray]:
        return {name: np.array(weight.numpy()) for name, weight in self.variables.items()}

    def write(self, weights: Mapping[str, np.ndarray]) -> None:
        for name, value in weights.items():
            self.variables[name].assign(value)


def _is_model(output: Any) -> bool:
    return hasattr(output, "weights") and hasattr(output, "built")
