"""How the lab looks: slate grey for the base and for everything at rest, one accent for what was tuned."""

import gradio as gr

from qwenlab.report.colours import ACCENT, ACCENT_DARK, AMBER, AMBER_DARK, RED, RED_DARK, SLATE, SLATE_DARK

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
.lab {{ --accent: {ACCENT}; --slate: {SLATE}; --amber: {AMBER}; --red: {RED}; --ink: var(--body-text-color);
  --line: var(--border-color-primary); --panel: var(--block-background-fill); }}
.dark .lab {{ --accent: {ACCENT_DARK}; --slate: {SLATE_DARK}; --amber: {AMBER_DARK};
  --red: {RED_DARK}; }}
.lab svg {{ width: 100%; height: auto; display: block; font-size: 11px; }}
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
.lab .chart {{ margin: 10px 0 0; }}
.lab figcaption {{ display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: .85rem; }}
.lab .key::before {{ content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 5px;
  vertical-align: middle; background: currentColor; }}
.lab .slate {{ color: var(--slate); }}
.lab .area {{ position: relative; margin: 16px 8px 22px 44px; }}
.lab .area svg {{ position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }}
.lab .area span {{ position: absolute; font-size: 11px; color: var(--slate); white-space: nowrap;
  font-variant-numeric: tabular-nums; line-height: 1; pointer-events: none; }}
.lab .area span.y {{ right: 100%; margin-right: 6px; transform: translateY(-50%); }}
.lab .area span.x {{ top: 100%; margin-top: 6px; transform: translateX(-50%); }}
.lab .area span.dotlabel {{ color: var(--accent); font-weight: 600; }}
.lab .area span.dotlabel {{ margin-top: 10px; }} .lab .area span.above {{ margin-top: -20px; }}
.lab .area span.right {{ transform: translate(6px, 0); }}
.lab .area span.left {{ transform: translate(calc(-100% - 6px), 0); }}
.lab .area span.limit {{ top: -14px; color: var(--ink); }}
.lab .area span.limit.right {{ transform: translate(5px, 0); }}
.lab .area span.limit.left {{ transform: translate(calc(-100% - 5px), 0); }}
.lab .axis {{ font-size: 11px; color: var(--slate); text-align: right; margin-top: -6px; padding-right: 8px; }}
.lab svg path {{ fill: none; vector-effect: non-scaling-stroke; }}
.lab .grid {{ stroke: var(--line); stroke-width: 1; }}
.lab .line {{ stroke: currentColor; stroke-linejoin: round; }}
.lab .mark {{ stroke: var(--amber); stroke-width: 1.5; stroke-dasharray: 3 3; }}
.lab path.limit {{ stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }}
.lab .dot {{ stroke: var(--accent); stroke-width: 9; stroke-linecap: round; }}
.lab .hit {{ fill: transparent; }} .lab .hit:hover {{ fill: var(--slate); fill-opacity: .12; }}
.lab rect.slate {{ fill: var(--slate); }} .lab rect.amber {{ fill: var(--amber); }}
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
.lab .spark {{ width: 80px; height: 22px; }}
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
.lab h3 {{ margin: 18px 0 8px; font-size: 1rem; }}
.lab .earlier details {{ border-top: 1px solid var(--line); padding: 8px 0; }}
.lab .earlier summary {{ cursor: pointer; overflow-wrap: anywhere; }}
.lab .earlier .asked {{ color: var(--slate); max-height: 12em; overflow-y: auto; margin: 8px 0; }}
.lab .criterion {{ font-size: .9rem; min-width: 200px; border-top: 1px solid var(--line);
  padding-top: 8px; margin-top: 10px; }}
.lab .row.wide {{ margin: 12px 0; align-items: stretch; }}
.lab .row.wide > * {{ flex: 1 1 340px; }} .lab > .card + .card {{ margin-top: 12px; }}
.lab table {{ border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin-top: 10px; }}
.lab table th {{ text-align: left; font-weight: 500; }} .lab table td, .lab table th {{ padding: 3px 12px 3px 0; }}
.lab .matrix td, .lab .matrix th {{ text-align: center; padding: 5px 10px; border: 1px solid var(--line); }}
.lab .matrix td.gained {{ color: var(--accent); font-weight: 700; }}
.lab .matrix td.lost {{ color: var(--amber); font-weight: 700; }}
.lab .statement {{ max-height: 24em; overflow-y: auto; margin: 8px 0 0; }}
.lab dl {{ margin: 0; font-size: .85rem; }} .lab dt {{ color: var(--slate); }} .lab dd {{ margin: 0 0 6px; }}
.lab dd pre {{ margin: 0; max-height: 12em; overflow-y: auto; border-left: 2px solid var(--line); padding-left: 8px; }}
"""
