"""How the lab looks: slate grey for the base and for everything at rest, one accent for what was tuned."""

import gradio as gr

ACCENT = "#0d9488"
"""The tuned model, validation, and the one button to press."""
SLATE = "#64748b"
"""The base model, training loss, and what is context."""
AMBER = "#d97706"
"""A note."""
RED = "#dc2626"
"""A broken promise: failed, lost, will not fit."""

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
.lab {{ --accent: {ACCENT}; --slate: {SLATE}; --amber: {AMBER}; --red: {RED}; --ink: var(--body-text-color);
  --line: var(--border-color-primary); --panel: var(--block-background-fill); }}
.dark .lab {{ --accent: #2dd4bf; --slate: #94a3b8; --amber: #fbbf24; --red: #f87171; }}
.lab svg {{ width: 100%; height: auto; display: block; font-size: 11px; }}
.lab .card {{ background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }}
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
.lab .fault {{ border-left: 4px solid var(--red); }} .lab .fault pre {{ margin: 0; }}
"""
