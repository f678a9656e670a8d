"""The API room: OpenAI's chat completions over HTTP, in front of the thread that owns the model.

`app` has the routes, `request` says what may be asked, `reply` how an answer is written, and `fault` how a refusal is.
Import it after `choose_engine`, as the model room that it stands before.
"""
