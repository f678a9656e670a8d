"""The report of an evaluation: `schema` is report.json, `build` makes it, the others render it."""
