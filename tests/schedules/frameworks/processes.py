"""Keras takes one backend a process and is slow to load, so that each runs in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def python(backend: str, *arguments: str) -> str:
    """Run Python with a backend of Keras, and return what it printed."""
    environment = {**os.environ, **QUIET, "KERAS_BACKEND": backend}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(backend: str, program: str) -> None:
    """Run all tests of a file beside this one with a backend of Keras."""
    path = str(Path(__file__).with_name(program))
    said = python(backend, "-m", "pytest", "-q", "-p", "no:cacheprovider", path)
    assert " passed" in said
    assert " skipped" not in said
