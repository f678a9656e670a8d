"""How the lab looks: slate grey for the base and for everything at rest, one accent for what was tuned."""

import gradio as gr

from qwenlab.report import charts

THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal,
    secondary_hue=gr.themes.colors.slate,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_md,
    # The machine's own fonts: nothing is fetched.
    font=("system-ui", "sans-serif"),
    font_mono=("ui-monospace", "monospace"),
).set(
    body_background_fill="*neutral_50",
    body_background_fill_dark="*neutral_950",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_primary_text_color="white",
    block_label_text_size="*text_sm",
)

CSS = f"""
.html-container {{ padding: 0 !important; }}
.lab {{ {charts.variables(charts.LIGHT)} --ink: var(--body-text-color);
  --line: var(--border-color-primary); --panel: var(--block-background-fill); }}
.dark .lab {{ {charts.variables(charts.DARK)} }}
{charts.CSS}
.lab .spark {{ display: block; width: 80px; height: 22px; }}
.lab .spark path {{ fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round;
  vector-effect: non-scaling-stroke; }}
.lab .card {{ overflow-wrap: anywhere;
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }}
.lab .big {{ font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }}
.lab .quiet {{ color: var(--slate); }}
.lab .facts {{ display: flex; flex-wrap: wrap; gap: 10px 28px; margin-top: 8px; }}
.lab .facts > div > span {{ display: block; font-size: .8rem; color: var(--slate); }}
.lab .chip {{ display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: .85rem;
  border: 1px solid currentColor; }}
.lab .accent {{ color: var(--accent); }} .lab .amber {{ color: var(--amber); }} .lab .red {{ color: var(--red); }}
.lab .bar {{ height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; margin: 8px 0; }}
.lab .bar > i {{ display: block; height: 100%; background: var(--accent); }}
.lab pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-family: var(--font-mono); font-size: .85rem; }}
.lab .fault {{ border-left: 4px solid var(--red); padding-left: 12px; }}
.lab .fault pre {{ margin: 0; font-family: inherit; font-size: .95rem; }}
.lab p {{ margin: 6px 0; }} .lab .head {{ display: flex; gap: 12px; align-items: center; margin-bottom: 8px; }}
.lab .strip {{ font-variant-numeric: tabular-nums; padding: 6px 2px; }}
.lab .notes {{ margin: 0; padding-left: 18px; font-size: .85rem; }}
.lab .row {{ display: flex; flex-wrap: wrap; gap: 12px; }} .lab .row > * {{ flex: 1 1 180px; }}
.lab .bar > i.amber {{ background: var(--amber); }} .lab .bar > i.red {{ background: var(--red); }}
.lab .bar > i.slate {{ background: var(--slate); }}
.lab .slate {{ color: var(--slate); }}
.lab .funnel {{ margin: 10px 0; }}
.lab .step {{ display: grid; grid-template-columns: minmax(7em, 10em) 5em 1fr 4.5em; gap: 10px; align-items: center;
  padding: 3px 0; font-variant-numeric: tabular-nums; }}
.lab .step > :nth-child(2), .lab .step > :nth-child(4) {{ text-align: right; }}
.lab .none {{ color: var(--slate); }} .lab summary {{ cursor: pointer; }}
.lab summary:hover {{ background: var(--line); }}
.lab .track {{ display: block; height: 14px; background: var(--line); border-radius: 3px; overflow: hidden; }}
.lab .track > i {{ display: block; height: 100%; background: currentColor; }}
.lab details ul {{ margin: 4px 0 10px; padding-left: 18px; font-size: .85rem; color: var(--slate); }}
.lab details pre {{ color: var(--ink); margin: 2px 0 8px; }}
.lab .facts .said {{ display: inline; font-size: inherit; color: inherit; }}
.lab .facts .said.amber {{ color: var(--amber); }}
.lab .wide {{ overflow-x: auto; }}
.lab table {{ width: 100%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }}
.lab th {{ text-align: left; font-weight: 500; color: var(--slate); }}
.lab th, .lab td {{ padding: 6px 10px; border: 0 !important; border-bottom: 1px solid var(--line) !important;
  vertical-align: top; }}
.lab table, .lab tr, .lab thead {{ border: 0 !important; }}
.lab .violet {{ color: #8b5cf6; }} .lab .blue {{ color: #3b82f6; }}
.dark #row .textspan, .dark #row .text {{ color: var(--body-text-color) !important; }}
@media (max-width: 600px) {{
  .lab .step {{ grid-template-columns: 7em 3em 1fr 3.8em; gap: 6px; font-size: .85rem; }}
}}
.lab .columns {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 12px; }}
.lab .answer {{ background: var(--panel); border: 1px solid var(--line); border-top: 4px solid var(--slate);
  border-radius: 8px; padding: 10px 14px; min-width: 0; display: flex; flex-direction: column; gap: 8px; }}
.lab .answer.tuned {{ border-top-color: var(--accent); }} .lab .answer.hidden {{ border-top-color: var(--line); }}
.lab .answer h4 {{ margin: 0; color: var(--slate); font-size: .9rem; overflow-wrap: anywhere; }}
.lab .answer.tuned h4 {{ color: var(--accent); }} .lab .answer.hidden h4 {{ color: var(--ink); }}
.lab .answer > pre {{ margin: 0; min-height: 12em; max-height: 40em; overflow-y: auto; flex: 1; color: var(--ink); }}
.lab .stamp {{ font-size: .75rem; color: var(--slate); line-height: 1.5; overflow-wrap: anywhere; }}
.lab .answer > pre.detail {{ flex: none; min-height: 0; font-size: .8rem; max-height: 16em; }}
.lab .answer .thought {{ border: 0; padding: 0; font-size: .85rem; color: var(--slate); }}
.lab .thought pre {{ color: var(--slate); margin: 6px 0 0; padding-left: 10px; border-left: 3px solid var(--line);
  max-height: 20em; overflow-y: auto; }}
.lab .thought.growing pre {{ display: flex; flex-direction: column-reverse; max-height: 12em; }}
.lab h3 {{ margin: 18px 0 8px; font-size: 1rem; }}
.lab .earlier details {{ border-top: 1px solid var(--line); padding: 8px 0; }}
.lab .earlier summary {{ cursor: pointer; overflow-wrap: anywhere; }}
.lab .earlier .asked {{ color: var(--slate); max-height: 12em; overflow-y: auto; margin: 8px 0; }}
.lab .report {{ width: 100%; height: max(36rem, 88vh); border: 1px solid var(--line); border-radius: 8px;
  display: block; color-scheme: light; }}
.dark .lab .report {{ color-scheme: dark; }}
"""
