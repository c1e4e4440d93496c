// The plain way with sharp (libvips): one pipeline for each width. Run by photos.py.
// Arguments: a folder whose node_modules hold sharp, and JSON as for pillow_loop.py.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [, , folder, order] = process.argv;
const sharp = createRequire(`${folder}/here.js`)("sharp");

async function main() {
  for (const { source, outputs } of JSON.parse(order).photos) {
    for (const { file, width, quality } of outputs) {
      const image = sharp(source).rotate().resize({ width, withoutEnlargement: true });
      const made = file.endsWith(".jpg")
        ? image.jpeg({ quality, progressive: true })
        : image.avif({ quality });
      await made.toFile(file);
    }
  }
  const held = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
  console.log(JSON.stringify({ peak_bytes: held * 1024 }));
}

main();
