"""A residual network for images of 32 x 32 pixels, in Keras, and a step of its training.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016: a
convolution, three stages of n blocks of two convolutions, each stage with half the pixels and twice
the filters of the one before, and a dense layer: 6 n + 2 layers with weights.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its notes on the processor

import keras
import tensorflow as tf

import rayx

WEIGHT_DECAY = 2e-4


def use_one_thread():
    """An actor has a CPU of its own; to be called before anything is computed."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # this process has computed already
        pass


class ResNet:
    """The network with its optimizer. The same seed gives the same weights in every process."""

    def __init__(self, classes, depth, filters, learning_rate, seed):
        if (depth - 2) % 6:
            raise ValueError(f"a depth is 6 n + 2: 8, 14, 20, 32 and so on, not {depth}")
        keras.utils.set_random_seed(seed)
        self.model = _network(classes, (depth - 2) // 6, filters)
        # Weights of the model, without the optimizer's: its momentum stays in its actor.
        self.variables = rayx.experimental.TensorFlowVariables(self.model)
        self._optimizer = keras.optimizers.SGD(learning_rate, momentum=0.9)
        self._decayed = [one for one in self.model.trainable_weights if one.name == "kernel"]
        self._step = tf.function(self._one_step, reduce_retracing=True)
        self._scores = tf.function(lambda images: self.model(images, training=False))

    def train(self, images, labels):
        """A step of gradient descent; returns the loss before it."""
        return float(self._step(tf.constant(images), tf.constant(labels)))

    def test(self, images, labels):
        """The mean cross entropy, and the share of images that are told right."""
        scores = self._scores(tf.constant(images))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
        right = tf.argmax(scores, axis=1, output_type=tf.int32) == labels
        return float(tf.reduce_mean(losses)), float(tf.reduce_mean(tf.cast(right, tf.float32)))

    def _one_step(self, images, labels):
        with tf.GradientTape() as tape:
            scores = self.model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            decay = tf.add_n([tf.nn.l2_loss(weight) for weight in self._decayed])
            loss = tf.reduce_mean(losses) + WEIGHT_DECAY * decay
        gradients = tape.gradient(loss, self.model.trainable_weights)
        self._optimizer.apply(gradients, self.model.trainable_weights)
        return loss


def _network(classes, blocks, filters):
    images = keras.Input((32, 32, 3))
    x = _convolution(images, filters, 1)
    x = _normal(x)
    for stage in range(3):
        for block in range(blocks):
            x = _block(x, filters << stage, 2 if stage and not block else 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, keras.layers.Dense(classes)(x))


def _block(x, filters, stride):
    y = _normal(_convolution(x, filters, stride))
    y = _normal(_convolution(y, filters, 1), rectify=False)
    if stride > 1:  # what is added must have the same shape
        x = keras.layers.Conv2D(filters, 1, stride, use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))


def _convolution(x, filters, stride):
    return keras.layers.Conv2D(
        filters, 3, stride, "same", use_bias=False, kernel_initializer="he_normal"
    )(x)


def _normal(x, rectify=True):
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.ReLU()(x) if rectify else x
