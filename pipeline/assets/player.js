// What script adds to players that work without it: seeking by address, speed, subtitles, chapters
// and transcript, waveform, a memory, waiting for media, WordPress's handshake, and a small message
// interface (docs/player.md). Film is in film.js.
// Plain script, not a module: modules need CORS inside a sandboxed frame.
(() => {
  "use strict";
  const framed = window.parent !== window;
  const page = document.documentElement;
  page.classList.add("nr-js");
  if (document.fullscreenEnabled === false) page.classList.add("nr-no-full");

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
  // The same to be heard: "1 h 2 min 3 s".
  const spoken = (time) => {
    const whole = Math.floor(time), parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return parts.map((part, n) => (part || n === 2 ? part + ["\u00a0h", "\u00a0min", "\u00a0s"][n] : ""))
      .filter(Boolean).join(" ");
  };

  // What a reader chose, for the next film. Only on our own pages: in an article nothing is kept.
  // Browsers may forbid it altogether.
  const memory = {
    get: (name) => { try { return framed ? null : localStorage.getItem("nr-" + name); } catch { return null; } },
    set: (name, value) => { try { if (!framed) localStorage.setItem("nr-" + name, value); } catch { /* forgotten */ } },
  };

  const all = [...document.querySelectorAll(".nr-media")];
  const start = (media) => { const playing = media.play(); if (playing) playing.catch(() => {}); };

  // Nobody may have clicked here yet: then a browser lets it play without sound.
  const insist = (media) => media.play().catch((error) => {
    if (error.name !== "NotAllowedError") return; // the film's own loading interrupts a first play
    media.muted = true;
    start(media);
  });

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
    media.addEventListener("pause", () => box.classList.remove("nr-started"));
    if (document.fullscreenEnabled === false && media.controlsList) media.controlsList.add("nofullscreen");
    // A bucket that does not answer CORS plays nothing with crossorigin; without it only the
    // subtitles are lost.
    const plainly = () => {
      if (!media.hasAttribute("crossorigin") || media.classList.contains("nr-hls")) return;
      media.removeAttribute("crossorigin");
      again(media);
    };
    media.addEventListener("error", plainly, true);
    if (location.protocol === "file:") plainly();
    else if (media.dataset.nrHls && window.nrFilm) window.nrFilm(media, box, { start, clock, poll, memory, renew });
    else media.addEventListener("error", () => renew(media, ""), true);
    speed(media, box);
    captions(media, box);
    lists(media, box);
    seekbar(media, box);
  };

  const speed = (media, box) => {
    const bar = box.querySelector(".nr-tools");
    if (!bar) return;
    bar.hidden = false;
    const menu = bar.querySelector("[data-nr-speed]");
    menu.addEventListener("change", () => { media.playbackRate = media.defaultPlaybackRate = +menu.value; });
  };

  // Subtitles in one language, or in none for "".
  const show = (media, language) => {
    for (const track of media.textTracks) {
      if (track.kind === "captions" || track.kind === "subtitles") {
        track.mode = track.language === language ? "showing" : "disabled";
      }
    }
  };
  const captions = (media, box) => {
    const tracks = [...media.querySelectorAll("track")], menu = box.querySelector("[data-nr-captions]");
    if (!tracks.length) return;
    const kept = memory.get("captions");
    if (kept === "" || tracks.some((track) => track.srclang === kept)) {
      for (const track of tracks) track.default = track.srclang === kept;
      show(media, kept);
    }
    let now = (tracks.find((track) => track.default) || { srclang: "" }).srclang;
    if (menu) {
      menu.value = now;
      menu.addEventListener("change", () => show(media, menu.value));
    }
    // The browser's own menu changes them too.
    media.textTracks.addEventListener("change", () => {
      const shown = [...media.textTracks].find((track) => track.mode === "showing");
      const language = shown ? shown.language : "";
      if (language === now) return;
      now = language;
      memory.set("captions", now);
      if (menu) menu.value = now;
    });
  };

  // Chapters and transcript: each link leads to its moment, the one that plays is marked.
  const lists = (media, box) => {
    const found = new Map();
    for (const link of box.querySelectorAll("[data-nr-t]")) {
      const list = link.closest("ol, .nr-words");
      found.set(list, [...(found.get(list) || []), link]);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        media.currentTime = +link.dataset.nrT;
        start(media);
        if (media.videoWidth && media.getBoundingClientRect().bottom < 80) media.scrollIntoView();
      });
    }
    for (const [list, links] of found) mark(media, list, links);
  };
  const mark = (media, list, links) => {
    // A text follows only when asked to, and never where motion disturbs.
    const follow = list.querySelector("[data-nr-follow]");
    if (follow && !matchMedia("(prefers-reduced-motion: reduce)").matches) follow.closest("label").hidden = false;
    const reveal = (link) => {
      const far = link.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
      if (list.scrollHeight > list.clientHeight) list.scrollTop += far;
      else link.parentElement.scrollIntoView({ block: "center" });
    };
    let now;
    media.addEventListener("timeupdate", () => {
      const next = links.filter((link) => +link.dataset.nrT <= media.currentTime + .05).pop();
      if (next === now) return;
      if (now) now.removeAttribute("aria-current");
      if (next) next.setAttribute("aria-current", "true");
      now = next;
      if (next && follow && follow.checked) reveal(next);
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
        .replace("{now}", spoken(time)).replace("{all}", spoken(length())));
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

  // Nothing plays. A cache may have kept this page from before its media were replaced or withdrawn:
  // then it is loaded anew, once.
  const renew = async (media, playlist) => {
    const [navigation] = performance.getEntriesByType("navigation");
    if (!media.dataset.nrItem || (navigation && navigation.type === "reload")) return;
    try {
      const item = await (await fetch(media.dataset.nrItem, { cache: "no-cache" })).json();
      const path = new URL(playlist, location).pathname;
      const same = !playlist || item.outputs.some((one) => path.endsWith("/" + one.key));
      if (item.state === "withdrawn" || !same) location.reload();
    } catch { /* the message stays */ }
  };

  // WordPress shows the frame once it hears "ready", and gives it the height it asks for.
  const secret = wanted("secret");
  const announce = () => {
    const { nrWidth: width, nrHeight: down } = document.body.dataset;
    const height = width ? Math.round(innerWidth * down / width) : page.clientHeight;
    shout("size", height);
    if (secret && width) tell({ message: "height", value: Math.min(height, 800), secret });
  };

  // {nr: 1, cmd: "play" | "pause" | "seek" | "captions", value} from the page around us. No
  // command takes an address, so a hostile page can do no more than a reader's click.
  const obey = (media, { cmd, value }) => {
    if (cmd === "play") insist(media);
    if (cmd === "pause") media.pause();
    if (cmd === "seek" && Number.isFinite(+value)) media.currentTime = Math.max(0, +value);
    if (cmd === "captions") show(media, String(value || ""));
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
  all.forEach(equip);
  document.querySelectorAll("[data-nr-poll]").forEach(wait);
  frame(all[0]);
  jump();
  window.addEventListener("hashchange", jump);
  if (all.length === 1 && wanted("autoplay") === "1") insist(all[0]);
})();
