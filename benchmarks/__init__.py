"""Measurements: the quality of the answer and the speed of the engine.

`python -m benchmarks.quality` (`make bench-quality`) compares answers with a dense grid of full runs;
`python -m benchmarks.speed` (`make bench-speed`) compares the engine with plain training loops.
"""
