"""How answers side by side and reports look: what the style sheet has beyond the page itself."""

CSS = """
.lab .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 12px; }
.lab .answer { background: var(--panel); border: 1px solid var(--line); border-top: 4px solid var(--slate);
  border-radius: 8px; padding: 10px 14px; min-width: 0; display: flex; flex-direction: column; gap: 8px; }
.lab .answer.tuned { border-top-color: var(--accent); } .lab .answer.hidden { border-top-color: var(--line); }
.lab .answer h4 { margin: 0; color: var(--slate); font-size: .9rem; overflow-wrap: anywhere; }
.lab .answer.tuned h4 { color: var(--accent); } .lab .answer.hidden h4 { color: var(--ink); }
.lab .answer > pre { margin: 0; min-height: 12em; max-height: 40em; overflow-y: auto; flex: 1; color: var(--ink); }
.lab .stamp { font-size: .75rem; color: var(--slate); line-height: 1.5; overflow-wrap: anywhere; }
.lab .answer > pre.detail { flex: none; min-height: 0; font-size: .8rem; max-height: 16em; }
.lab h3 { margin: 18px 0 8px; font-size: 1rem; }
.lab .earlier details { border-top: 1px solid var(--line); padding: 8px 0; }
.lab .earlier summary { cursor: pointer; overflow-wrap: anywhere; }
.lab .earlier .asked { color: var(--slate); max-height: 12em; overflow-y: auto; margin: 8px 0; }
.lab .criterion { font-size: .9rem; min-width: 200px; border-top: 1px solid var(--line);
  padding-top: 8px; margin-top: 10px; }
.lab .row.wide { margin: 12px 0; align-items: stretch; }
.lab .row.wide > * { flex: 1 1 340px; } .lab > .card + .card { margin-top: 12px; }
.lab table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin-top: 10px; }
.lab table th { text-align: left; font-weight: 500; } .lab table td, .lab table th { padding: 3px 12px 3px 0; }
.lab .matrix td, .lab .matrix th { text-align: center; padding: 5px 10px; border: 1px solid var(--line); }
.lab .matrix td.gained { color: var(--accent); font-weight: 700; }
.lab .matrix td.lost { color: var(--amber); font-weight: 700; }
.lab .statement { max-height: 24em; overflow-y: auto; margin: 8px 0 0; }
.lab dl { margin: 0; font-size: .85rem; } .lab dt { color: var(--slate); } .lab dd { margin: 0 0 6px; }
.lab dd pre { margin: 0; max-height: 12em; overflow-y: auto; border-left: 2px solid var(--line); padding-left: 8px; }
"""
