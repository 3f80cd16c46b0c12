"""A report: all diagnostics of a set of runs on one page that needs nothing but itself."""

from fovnb.report.core import Report, report

__all__ = ["Report", "report"]
