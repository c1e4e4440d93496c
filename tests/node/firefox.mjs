// Watches films in Firefox, driven over WebDriver BiDi, and says what was seen.
// Standard input: {"program": path, "visits": [{"url", "framed"}]}; standard output: a list of answers.
import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const PATIENCE = 90000;
const { program, visits } = JSON.parse(readFileSync(0, "utf8"));

const until = async (frame, condition, ...rest) => {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    if (await frame.evaluate(condition, ...rest)) return;
    await new Promise((done) => setTimeout(done, 150));
  }
  const seen = await frame.evaluate(() => {
    const film = document.querySelector("video");
    return film && { at: film.currentTime, src: film.currentSrc, error: film.error && film.error.message, note: document.querySelector(".nr-note")?.textContent };
  });
  throw new Error(`never: ${condition} ${JSON.stringify(seen)}`);
};

// Keeps what the film and hls.js tell, and records its sound: machines without a loudspeaker have it too.
const listen = () => {
  const film = document.querySelector("video");
  window.told = { errors: [], ended: 0 };
  film.addEventListener("newsreel:hls", ({ detail }) => told.errors.push(`${detail.details} ${detail.fatal}`));
  film.addEventListener("ended", () => { told.ended += 1; });
  const record = () => {
    if (window.tape || film.readyState < 2) return;
    const [track] = film.mozCaptureStream().getAudioTracks();
    if (!track) return;
    window.tape = [];
    const recorder = window.recorder = new MediaRecorder(new MediaStream([track]));
    recorder.ondataavailable = ({ data }) => tape.push(data);
    recorder.start();
  };
  film.addEventListener("timeupdate", record);
};
const loudest = async () => {
  if (!window.recorder) return 0;
  const stopped = new Promise((done) => { recorder.onstop = done; });
  if (recorder.state !== "inactive") { recorder.stop(); await stopped; }
  const bytes = await new Blob(tape).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes);
  return sound.getChannelData(0).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
};
const shown = (language) => [...document.querySelector("video").textTracks].some(
  (track) => track.language === language && track.mode === "showing" && track.activeCues && track.activeCues.length > 0);

const watch = async (browser, { url, framed }) => {
  const page = await browser.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url, { waitUntil: "load" });
  const frame = framed ? page.frames().find((one) => one.parentFrame()) : page.mainFrame();
  await until(frame, () => Boolean(document.querySelector(".nr-play:not([hidden])")));
  await frame.evaluate(listen);
  await (await frame.$(".nr-play")).click();
  await until(frame, () => document.querySelector("video").currentTime > .3);
  await until(frame, shown, "es");
  await frame.evaluate(() => {
    const menu = document.querySelector("[data-nr-captions]");
    menu.value = "en";
    menu.dispatchEvent(new Event("change"));
  });
  await until(frame, shown, "en");
  await until(frame, () => told.ended > 0);
  const answer = await frame.evaluate(() => ({
    ...told,
    origin: self.origin,
    at: document.querySelector("video").currentTime,
    source: document.querySelector("video").currentSrc,
    frames: document.querySelector("video").getVideoPlaybackQuality().totalVideoFrames,
    full: document.fullscreenEnabled,
  }));
  answer.loudest = await frame.evaluate(loudest);
  await page.close();
  return { ...answer, asked };
};

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: program,
  headless: true,
  extraPrefsFirefox: { "media.autoplay.default": 0 },
});
try {
  const answers = [];
  for (const visit of visits) answers.push(await watch(browser, visit));
  console.log(JSON.stringify(answers));
} finally {
  await browser.close();
}
