"""Something unseen on the page whose change others can listen to.

A `gr.State` would be the word for it, but in Gradio 6.31 it tells of changes only after events that went through the
queue, and what a page asks every two seconds does not.
"""

import gradio as gr


def pulse(value: str = "") -> gr.Textbox:
    """Holds a text; `.change` fires in the browser when an answer has set another."""
    return gr.Textbox(value, visible="hidden", container=False, show_label=False)
