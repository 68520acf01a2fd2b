"""Run as a process of its own: optimizers of Keras in double precision, from stdin to stdout, as JSON.

A process of its own, because Keras takes its backend and its precision once, for everything in the process.
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras


def main() -> None:
    asked = json.load(sys.stdin)
    keras.config.set_floatx("float64")
    walks = []
    for name, options in asked["optimizers"]:
        optimizer = getattr(keras.optimizers, name)(learning_rate=1.0, **options)
        variable = keras.Variable(asked["start"], dtype="float64")
        optimizer.build([variable])
        path = []
        for g, lr in zip(asked["gradients"], asked["rates"], strict=True):
            optimizer.learning_rate = lr
            optimizer.apply([keras.ops.convert_to_tensor(g, dtype="float64")], [variable])
            path.append(variable.value.detach().tolist())
        walks.append(path)
    json.dump(walks, sys.stdout)


if __name__ == "__main__":
    main()
