// What script adds to players that work without it: seeking by address, speed, chapters, waveform,
// waiting for media, WordPress's handshake, and a small message interface. Film is in film.js.
// Plain script, not a module: modules need CORS inside a sandboxed frame.
(() => {
  "use strict";
  const framed = window.parent !== window;
  const page = document.documentElement;
  page.classList.add("nr-js");

  const tell = (data) => { if (framed) window.parent.postMessage(data, "*"); };
  const shout = (ev, value) => tell({ nr: 1, ev, value });

  // "90", "1m30s", "1h2m3.5s" in seconds; NaN for anything else.
  const seconds = (text) => {
    const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text || "");
    return parts && text ? (+parts[1] || 0) * 3600 + (+parts[2] || 0) * 60 + (+parts[3] || 0) : NaN;
  };
  // "#t=30", "?t=30" and WordPress's "#t=30?secret=…".
  const wanted = (name) =>
    (new RegExp("[#?&]" + name + "=([^&?#]*)").exec(location.hash) ||
      new RegExp("[?&]" + name + "=([^&?#]*)").exec(location.search) || [])[1];

  const clock = (time) => {
    const whole = Math.floor(time), s = String(whole % 60).padStart(2, "0");
    const m = Math.floor(whole / 60) % 60, h = Math.floor(whole / 3600);
    return h ? h + ":" + String(m).padStart(2, "0") + ":" + s : m + ":" + s;
  };

  const all = [...document.querySelectorAll(".nr-media")];
  const start = (media) => { const playing = media.play(); if (playing) playing.catch(() => {}); };

  // Load the same file again, and stay at the same moment.
  const again = (media) => {
    const time = media.currentTime, going = !media.paused;
    media.load();
    media.currentTime = time;
    if (going) start(media);
  };

  const equip = (media) => {
    const box = media.closest(".nr-player") || document.body;
    media.addEventListener("play", () => {
      box.classList.add("nr-started");
      for (const other of all) if (other !== media) other.pause();
    });
    // A bucket that does not answer CORS plays nothing with crossorigin; without it only the
    // subtitles are lost.
    const plainly = () => {
      if (!media.hasAttribute("crossorigin") || media.classList.contains("nr-hls")) return;
      media.removeAttribute("crossorigin");
      again(media);
    };
    media.addEventListener("error", plainly, true);
    if (location.protocol === "file:") plainly();
    else if (media.dataset.nrHls && window.nrFilm) window.nrFilm(media, box, { start, clock, poll });
    tools(media, box);
    chapters(media, box);
    seekbar(media, box);
  };

  const tools = (media, box) => {
    const bar = box.querySelector(".nr-tools");
    if (!bar) return;
    bar.hidden = false;
    const speed = bar.querySelector("[data-nr-speed]");
    speed.addEventListener("change", () => {
      media.playbackRate = media.defaultPlaybackRate = +speed.value;
    });
  };

  const chapters = (media, box) => {
    const links = [...box.querySelectorAll("[data-nr-t]")];
    if (!links.length) return;
    for (const link of links) link.addEventListener("click", (event) => {
      event.preventDefault();
      media.currentTime = +link.dataset.nrT;
      start(media);
    });
    media.addEventListener("timeupdate", () => {
      const now = links.filter((link) => +link.dataset.nrT <= media.currentTime + .05).pop();
      for (const link of links) {
        if (link === now) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    });
  };

  // Over a waveform, or under a film with the pictures of its storyboard.
  const seekbar = (media, box) => {
    const range = box.querySelector(".nr-seek");
    if (!range) return;
    const drawing = range.parentElement;
    const length = () => Math.max(media.duration || 0, +range.max);
    const show = () => {
      const time = media.currentTime;
      drawing.style.setProperty("--p", (length() ? time / length() * 100 : 0) + "%");
      range.value = time;
      range.setAttribute("aria-valuetext", range.dataset.nrText
        .replace("{now}", clock(time)).replace("{all}", clock(length())));
    };
    drawing.hidden = range.hidden = false;
    if (range.dataset.nrStoryboard && window.nrThumbs) window.nrThumbs(range);
    range.addEventListener("input", () => { media.currentTime = +range.value; show(); });
    for (const name of ["timeupdate", "seeking", "durationchange"]) media.addEventListener(name, show);
    show();
  };

  // Ask for a manifest ever more rarely. `see` is shown it, and answers "stop" when it has seen
  // enough, or "news" to ask again soon.
  const poll = (url, see) => {
    let pause = 4000;
    const later = () => { setTimeout(ask, pause); pause = Math.min(pause * 1.3, 60000); };
    const ask = async () => {
      if (document.hidden) return later();
      try {
        const answer = see(await (await fetch(url, { cache: "no-cache" })).json());
        if (answer === "stop") return;
        if (answer === "news") pause = 4000;
      } catch { /* the next attempt may succeed */ }
      later();
    };
    later();
  };

  // A page that waits for its media shows how far they are, and loads itself anew for them.
  const wait = (notice) => poll(notice.dataset.nrPoll, (item) => {
    if (!["waiting", "processing", notice.dataset.nrState].includes(item.state)) {
      if (!all.every((media) => media.paused)) return "";
      location.reload();
      return "stop";
    }
    const bar = notice.querySelector("progress"), news = bar.value !== item.percent;
    bar.value = item.percent;
    notice.querySelector(".nr-percent").textContent = item.percent;
    return news ? "news" : "";
  });

  // WordPress shows the frame once it hears "ready", and gives it the height it asks for.
  const secret = wanted("secret");
  const announce = () => {
    const box = document.querySelector("video, .nr-frame-photo img");
    let height = document.documentElement.clientHeight;
    if (box && box.getAttribute("width")) {
      height = Math.round(innerWidth * box.getAttribute("height") / box.getAttribute("width"));
    }
    shout("size", height);
    if (secret && box) tell({ message: "height", value: Math.min(height, 800), secret });
  };

  // {nr: 1, cmd: "play" | "pause" | "seek" | "captions", value} from the page around us. No
  // command takes an address, so a hostile page can do no more than a reader's click.
  const obey = (media, { cmd, value }) => {
    if (cmd === "play") start(media);
    if (cmd === "pause") media.pause();
    if (cmd === "seek" && Number.isFinite(+value)) media.currentTime = Math.max(0, +value);
    if (cmd === "captions") {
      for (const track of media.textTracks) track.mode = track.language === value ? "showing" : "disabled";
    }
  };

  const frame = (media) => {
    if (!framed) return;
    window.addEventListener("load", announce);
    window.addEventListener("resize", announce);
    if (secret) tell({ message: "ready", secret });
    // In a sandbox without pop-ups a link opens nothing; WordPress follows it for us.
    for (const link of document.querySelectorAll("[data-nr-open]")) {
      link.addEventListener("click", () => {
        if (secret) tell({ message: "link", value: link.dataset.nrOpen, secret });
      });
    }
    if (!media) return;
    window.addEventListener("message", ({ source, data }) => {
      if (source === window.parent && data && data.nr === 1) obey(media, data);
    });
    media.addEventListener("timeupdate", () => shout("time", media.currentTime));
    for (const name of ["play", "pause"]) media.addEventListener(name, () => shout("state", name));
    media.addEventListener("ended", () => shout("ended"));
    shout("ready");
  };

  const jump = () => {
    const time = seconds(wanted("t"));
    if (all.length === 1 && Number.isFinite(time)) all[0].currentTime = time;
  };
  const autoplay = (media) => media.play().catch((error) => {
    if (error.name !== "NotAllowedError") return; // the film's own loading interrupts a first play
    media.muted = true;
    start(media);
  });

  all.forEach(equip);
  document.querySelectorAll("[data-nr-poll]").forEach(wait);
  frame(all[0]);
  jump();
  window.addEventListener("hashchange", jump);
  if (all.length === 1 && wanted("autoplay") === "1") autoplay(all[0]);
})();
