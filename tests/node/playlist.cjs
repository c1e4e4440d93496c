// HLS playlists on stdin, by name, as JSON; on stdout what hls-parser objects to in each, "" if it
// finds nothing. In strict mode it refuses what RFC 8216 forbids instead of making the best of it.
"use strict";

const HLS = require("hls-parser");

HLS.setOptions({ strictMode: true, silent: true });

function complaint(text) {
  try {
    HLS.parse(text);
    return "";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const found = Object.entries(texts).map(([name, text]) => [name, complaint(text)]);
process.stdout.write(JSON.stringify(Object.fromEntries(found)));
