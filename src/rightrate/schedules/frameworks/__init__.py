"""Schedules in other frameworks: one file a framework, each of which loads it on first use.

The methods of `Schedule` (`torch`, `keras`, `optax`, `transformers`, `lightning`) lead here.
"""
