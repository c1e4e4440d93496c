// The plain way with sharp (libvips): one pipeline for each width. Run by photos.py.
// Arguments: a folder whose node_modules hold sharp, and JSON as for pillow_loop.py.
const { createRequire } = require("node:module");

const [, , folder, order] = process.argv;
const sharp = createRequire(`${folder}/here.js`)("sharp");
const { source, outputs } = JSON.parse(order);

async function main() {
  for (const { file, width, quality } of outputs) {
    const image = sharp(source).rotate().resize({ width, withoutEnlargement: true });
    const made = file.endsWith(".jpg")
      ? image.jpeg({ quality, progressive: true })
      : image.avif({ quality });
    await made.toFile(file);
  }
}

main();
