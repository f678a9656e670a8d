// The page's own scripts, a file for each thing that they do. Gradio makes and changes what they work on at any time:
// see seen.js.

import "./compare.js";
import "./copy.js";
import "./curves.js";
import "./data.js";
import "./head.js";
import "./learning.js";
import "./maths.js";
import "./names.js";
import "./overlay.js";
import "./result.js";
import "./runs.js";
