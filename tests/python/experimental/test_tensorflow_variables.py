"""TensorFlowVariables of graphs and of Keras models."""

import numpy as np
import pytest

import rayx
from rayx.experimental import TensorFlowVariables

tf = pytest.importorskip("tensorflow")
v1 = pytest.importorskip("tensorflow.compat.v1")

pytestmark = [pytest.mark.time_limit(120), pytest.mark.leaves("fds", "threads")]


class Line:
    """A straight line, fitted by gradient descent: the network of the reference."""

    def __init__(self, resource_variables):
        self.graph = v1.Graph()
        with self.graph.as_default():
            v1.set_random_seed(0)
            x = v1.constant(np.arange(10.0), dtype=v1.float32)
            with v1.variable_scope("line", use_resource=resource_variables):
                w = v1.get_variable("w", initializer=[5.0])
                b = v1.get_variable("b", initializer=[1.0])
                v1.get_variable("unused", initializer=[0.0])
            self.loss = v1.reduce_mean(v1.square(w * x + b - (0.1 * x + 0.3)))
            self.train = v1.train.MomentumOptimizer(0.02, 0.5).minimize(self.loss)
            self.session = v1.Session(graph=self.graph)
            self.session.run(v1.global_variables_initializer())


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def line(request):
    made = Line(request.param)
    yield made
    made.session.close()


def test_those_the_loss_depends_on_and_no_others(line):
    variables = TensorFlowVariables(line.loss, line.session)
    assert {name: value.tolist() for name, value in variables.get_weights().items()} == {
        "line/w": [5.0],
        "line/b": [1.0],
    }
    assert list(variables.variables) == ["line/w", "line/b"]


def test_of_a_training_step_those_of_the_optimizer_too(line):
    names = TensorFlowVariables(line.train, line.session).get_weights()
    assert sum("Momentum" in name for name in names) == 2


def test_setting_and_training(line):
    variables = TensorFlowVariables(line.loss, line.session)
    variables.set_weights({"line/w": np.array([0.1])})
    assert np.allclose(variables.get_flat(), [0.1, 1.0])
    for _ in range(300):
        line.session.run(line.train)
    assert np.allclose(variables.get_flat(), [0.1, 0.3], atol=1e-2)


def test_the_graph_does_not_grow(line):
    variables = TensorFlowVariables(line.loss, line.session)
    line.graph.finalize()
    for _ in range(3):
        variables.set_weights(variables.get_weights())
        variables.set_flat(variables.get_flat())


def test_a_session_can_be_given_later(line):
    variables = TensorFlowVariables(line.loss)
    with pytest.raises(ValueError, match="set_session"):
        variables.get_weights()
    variables.set_session(line.session)
    assert variables.sess is line.session
    assert variables.get_flat().tolist() == [5.0, 1.0]


def test_further_variables_are_taken(line):
    with line.graph.as_default():
        (unused,) = (one for one in v1.global_variables() if one.op.name == "line/unused")
    variables = TensorFlowVariables(line.loss, line.session, [unused])
    assert "line/unused" in variables.get_weights()


def test_keras_models_with_other_names_exchange_weights():
    def build():
        return tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])

    first, second = (TensorFlowVariables(build()) for _ in range(2))
    assert list(first.get_weights()) == ["0/kernel", "1/bias"]
    second.set_weights(first.get_weights())
    assert np.array_equal(first.get_flat(), second.get_flat())
    second.set_flat(np.arange(8))
    assert second.get_weights()["1/bias"].tolist() == [6, 7]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: TensorFlowVariables(tf.constant(1.0)), TypeError, "eager|graph"),
        (lambda: TensorFlowVariables(3), TypeError, "not int"),
        (lambda: TensorFlowVariables(tf.keras.Sequential()), ValueError, "no weights yet"),
    ],
)
def test_what_has_no_variables_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_weights_come_back_from_a_task(shared_session):
    line = Line(True)
    variables = TensorFlowVariables(line.loss, line.session)

    @rayx.remote
    def halved(weights):
        return {name: value / 2 for name, value in weights.items()}

    # They are read-only here, in shared memory, and are assigned all the same.
    variables.set_weights(rayx.get(halved.remote(variables.get_weights()), timeout=60))
    assert variables.get_flat().tolist() == [2.5, 0.5]
    line.session.close()
