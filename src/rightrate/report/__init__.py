"""Pictures and pages of what a search found."""

from rightrate.report.html import page, save
from rightrate.report.notebook import html_snippet
from rightrate.report.picture import figure
from rightrate.report.snippet import code

__all__ = ["code", "figure", "html_snippet", "page", "save"]
