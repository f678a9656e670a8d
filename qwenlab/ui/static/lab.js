// The page's own scripts, a file for each thing that they do. Gradio makes and changes what they work on at any time:
// see seen.js.

import "./copy.js";
import "./learning.js";
import "./maths.js";
