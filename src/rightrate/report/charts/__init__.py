"""The interactive charts, as plain plotly data: one file for each chart of the page.

Colours are names of the style sheet's custom properties (`@data` stands for `--data`), and `@rates:0.4`
is a place on the scale `--rates`; the page's script puts them in, so that dark mode and print need no second
copy. Every text that came from outside goes through `chart_text`.
"""

from rightrate.report.charts.curves import curves_chart
from rightrate.report.charts.marks import Chart
from rightrate.report.charts.narrowing import rounds_chart
from rightrate.report.charts.objective import objective_chart
from rightrate.report.charts.overfit import overfit_chart
from rightrate.report.charts.range_test import range_chart
from rightrate.search.record import Record

__all__ = ["Chart", "charts"]


def charts(record: Record) -> dict[str, Chart]:
    """Return the charts by name; one that would show nothing is left out."""
    made = {
        "objective": objective_chart(record),
        "curves": curves_chart(record),
        "rounds": rounds_chart(record),
        "overfit": overfit_chart(record),
        "range": range_chart(record),
    }
    return {name: chart for name, chart in made.items() if chart is not None}
