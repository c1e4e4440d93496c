// Two sanitizers of npm at their defaults: texts by name as JSON on standard input, on standard
// output what each of them leaves.
const sanitizeHtml = require("sanitize-html");
const { JSDOM } = require("jsdom");
const purify = require("dompurify")(new JSDOM("").window);

const texts = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const each = (clean) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, clean(text)]));
process.stdout.write(JSON.stringify({
  "sanitize-html": each((text) => sanitizeHtml(text)),
  DOMPurify: each((text) => purify.sanitize(text)),
}));
