"""A report as the files that it is written to."""

from qwenlab.report.html import page
from qwenlab.report.markdown import markdown
from qwenlab.report.schema import Report


def texts(report: Report) -> dict[str, str]:
    """By file name: JSON for programs, Markdown to paste somewhere, and a page that opens offline."""
    return {
        "report.json": report.model_dump_json(indent=2) + "\n",
        "report.md": markdown(report),
        "report.html": page(report),
    }
