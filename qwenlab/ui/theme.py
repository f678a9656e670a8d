"""How the lab looks: slate grey for the base and for everything at rest, one accent for what was tuned.

Every text has a contrast of at least 4.5 to what it stands on, in light and in dark (WCAG 2.1 AA, 1.4.3).
"""

import gradio as gr

from qwenlab.report import charts
from qwenlab.ui.bundle import styles

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
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    block_label_text_color="*neutral_600",
    block_label_text_color_dark="*neutral_300",
    block_label_text_size="*text_sm",
    input_placeholder_color="*neutral_600",
    input_placeholder_color_dark="*neutral_300",
    input_border_color_focus="*primary_700",
    input_border_color_focus_dark="*primary_400",
    link_text_color="*primary_700",
    link_text_color_dark="*primary_300",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_800",
    button_primary_text_color="white",
    button_cancel_background_fill="#b91c1c",
    button_cancel_background_fill_hover="#991b1b",
    button_cancel_background_fill_dark="#b91c1c",
    button_cancel_background_fill_hover_dark="#991b1b",
    button_cancel_text_color="white",
    button_cancel_text_color_dark="white",
)

CSS = f"""
.lab {{ {charts.variables(charts.LIGHT)} --ink: var(--body-text-color);
  --line: var(--border-color-primary); --panel: var(--block-background-fill); }}
.dark .lab {{ {charts.variables(charts.DARK)} }}
{charts.CSS}
{styles()}
"""
