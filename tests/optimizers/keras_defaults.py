"""Run as a process of its own: the defaults of Keras's optimizers, as JSON to stdout."""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras


def main() -> None:
    asked = json.load(sys.stdin)
    json.dump({name: getattr(keras.optimizers, name)().get_config() for name in asked}, sys.stdout)


if __name__ == "__main__":
    main()
