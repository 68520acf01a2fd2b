"""Hypothesis strategies for schedules, over all fields."""

from hypothesis import strategies as st

from rightrate.schedules import Constant, Cosine, Linear, Schedule

peaks = st.floats(min_value=1e-12, max_value=1e6)
floors = st.floats(min_value=0.0, max_value=1.0)


@st.composite
def lengths(draw: st.DrawFn) -> dict[str, int]:
    total_steps = draw(
        st.integers(min_value=1, max_value=10_000_000) | st.integers(min_value=1, max_value=12)
    )
    return {
        "total_steps": total_steps,
        "warmup_steps": draw(st.integers(min_value=0, max_value=total_steps - 1)),
    }


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    kind = draw(st.sampled_from([Constant, Cosine, Linear]))
    fields = {"peak": draw(peaks), **draw(lengths())}
    return kind(**fields) if kind is Constant else kind(**fields, floor=draw(floors))
