// Film from HLS. hls.js is fetched on the first play, from beside this script; until then there is
// the poster with a button. Without script, or where nothing else works, video.mp4 plays.
// Every error of hls.js, harmless or not, is told as an event "newsreel:hls" on the video element.
(() => {
  "use strict";
  const here = document.currentScript.src;
  const source = window.ManagedMediaSource || window.MediaSource;
  const NATIVE = "application/vnd.apple.mpegurl";
  // How often a lost network is tried again, and after how many milliseconds.
  const PATIENCE = 3, PAUSE = 3000;
  // hls.js itself would try a part that is missing for half a minute before it gives up.
  const RETRY = { maxNumRetry: 3, retryDelayMs: 500, maxRetryDelayMs: 4000 };

  let fetched;
  const library = () => fetched ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("hls.min.js", here).href;
    script.onload = () => (window.Hls && window.Hls.isSupported() ? done(window.Hls) : failed());
    script.onerror = () => { fetched = null; failed(); };
    document.head.append(script);
  });

  // AV1 only where it is decoded without dropping frames.
  const smooth = async (question) => {
    if (!question) return false;
    const video = JSON.parse(question);
    if (!source.isTypeSupported(video.contentType)) return false;
    try {
      const answer = await navigator.mediaCapabilities.decodingInfo({ type: "media-source", video });
      return answer.supported && answer.smooth;
    } catch { return false; }
  };

  const side = (level) => Math.min(level.width, level.height);

  // Plays `media` inside `box`; what it is given last is from player.js.
  window.nrFilm = (media, box, { start, clock, poll, memory, renew }) => {
    const { nrHls: playlist, nrAv1: av1, nrAv1Video: video } = media.dataset;
    const note = box.querySelector(".nr-note"), button = box.querySelector(".nr-play");
    const quality = box.querySelector("[data-nr-quality]"), sound = box.querySelector("[data-nr-sound]");
    let file = media.getAttribute("src") === playlist ? "" : media.src;
    let Hls, hls, routes, going = true, at = 0, mended = false, tries = 0, rungs = 0;

    const say = (words) => { note.textContent = words; note.hidden = !words; };
    const keep = () => { at = media.currentTime || at; };

    // --- where it plays from: one route after another --------------------------------------------

    const attach = (url) => {
      // `startPosition`, because a growing playlist counts as live and would begin at its end. The
      // subtitles are the element's own tracks: hls.js is to add none.
      hls = new Hls({
        startPosition: at, capLevelToPlayerSize: true,
        fragLoadPolicy: { default: { ...Hls.DefaultConfig.fragLoadPolicy.default, errorRetry: RETRY } },
        subtitleStreamController: undefined, subtitleTrackController: undefined, timelineController: undefined,
      });
      const { Events } = Hls;
      hls.on(Events.ERROR, (_, data) => trouble(data));
      hls.on(Events.MEDIA_ATTACHED, () => { if (going) start(media); });
      hls.on(Events.FRAG_BUFFERED, (_, { frag }) => { if (frag.type === "main") tries = 0; });
      hls.on(Events.MANIFEST_PARSED, offerSizes);
      hls.on(Events.LEVEL_SWITCHED, (_, { level }) => nameAutomatic(hls.levels[level]));
      hls.on(Events.AUDIO_TRACKS_UPDATED, offerSounds);
      hls.loadSource(url);
      hls.attachMedia(media);
    };
    const detach = () => { keep(); if (hls) hls.destroy(); hls = null; };
    const next = () => {
      detach();
      for (const menu of [quality, sound]) if (menu) menu.closest("label").hidden = true;
      media.classList.toggle("nr-hls", routes.length > 0);
      if (routes.length) return attach(routes.shift());
      ready();
      if (file) plainFile(); else give();
    };
    const give = () => {
      say(note.dataset.nrBroken);
      renew(media, playlist);
    };
    const plainFile = () => {
      // With crossorigin it is tried once more without, by player.js.
      let left = media.hasAttribute("crossorigin") ? 2 : 1;
      media.addEventListener("error", () => { if (!--left) give(); });
      media.src = file;
      media.currentTime = at;
      if (going) start(media);
    };
    const trouble = (data) => {
      media.dispatchEvent(new CustomEvent("newsreel:hls", { detail: data }));
      if (!data.fatal) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !mended) {
        mended = true;
        keep();
        return hls.recoverMediaError();
      }
      if (data.type !== Hls.ErrorTypes.NETWORK_ERROR || !media.played.length) return next();
      const again = () => { if (hls) hls.startLoad(); };
      if (!navigator.onLine) return window.addEventListener("online", again, { once: true });
      if (tries++ < PATIENCE) return setTimeout(again, PAUSE);
      next();
    };

    // --- menus -----------------------------------------------------------------------------------

    const level = () => (quality.value ? hls.levels.findIndex((one) => side(one) === +quality.value) : -1);
    const offerSizes = () => {
      rungs = Math.max(rungs, hls.levels.length);
      if (!quality) return;
      const there = hls.levels.map(side);
      for (const one of quality.options) one.disabled = Boolean(one.value) && !there.includes(+one.value);
      quality.closest("label").hidden = there.length < 2;
      if (level() >= 0) hls.nextLevel = level();
    };
    const nameAutomatic = (now) => {
      if (!quality) return;
      const words = quality.options[0].dataset.nrWords;
      quality.options[0].textContent = quality.value ? words : words + " (" + side(now) + "p)";
    };
    const offerSounds = () => {
      if (!sound) return;
      const before = sound.value;
      sound.replaceChildren(...hls.audioTracks.map((one) => new Option(one.name, one.name)));
      sound.closest("label").hidden = hls.audioTracks.length < 2;
      sound.value = hls.audioTracks.some((one) => one.name === before) ? before : sound.value;
      const kept = hls.audioTracks.findIndex((one) => one.lang === memory.get("sound"));
      if (!before && kept >= 0) sound.selectedIndex = kept;
      if (before || kept >= 0) hls.audioTrack = sound.selectedIndex;
      else if (hls.audioTrack >= 0) sound.selectedIndex = hls.audioTrack;
    };
    const chooseSound = () => {
      if (!hls) return;
      hls.audioTrack = sound.selectedIndex;
      memory.set("sound", hls.audioTracks[sound.selectedIndex].lang || "");
    };

    // --- a film in the making --------------------------------------------------------------------

    const grow = (item) => {
      const made = item.outputs.find((one) => one.role === "hls");
      if (!made || item.state === "failed") return "stop";
      if (item.outputs.some((one) => one.role === "video")) {
        file = new URL("video.mp4", new URL(note.dataset.nrGrowing, location)).href;
      }
      if (made.extra.complete) return grown();
      const reached = note.querySelector(".nr-reached"), words = clock(made.extra.ready_ms / 1000);
      const news = reached.textContent !== words;
      reached.textContent = words;
      catchUp(item.outputs.filter((one) => one.role === "rung" && one.extra.codec !== "av1").length);
      return news ? "news" : "";
    };
    const grown = () => {
      say(note.dataset.nrMade);
      setTimeout(() => { if (note.textContent === note.dataset.nrMade) say(""); }, 10000);
      return "stop";
    };
    // hls.js reads the list of sizes once; a film begun when there was only the smallest gets the
    // others by being opened again where it stands.
    const catchUp = (count) => {
      if (!hls || count <= rungs) return;
      rungs = count;
      detach();
      attach(playlist);
    };
    if (note.dataset.nrGrowing) poll(note.dataset.nrGrowing, grow);

    // --- before the first play -------------------------------------------------------------------

    const ready = () => {
      media.controls = true;
      if (document.activeElement === button) media.focus();
      button.hidden = true;
    };
    const begin = async () => {
      button.classList.add("nr-busy");
      media.classList.add("nr-hls");
      try {
        const [found, can] = await Promise.all([library(), smooth(video)]);
        Hls = found;
        routes = can ? [av1, playlist] : [playlist];
      } catch { routes = []; }
      next();
    };

    if (!source) {
      if (!media.canPlayType(NATIVE)) return;
      // The playlist brings its own subtitles: with the tracks there would be two of each.
      for (const track of media.querySelectorAll("track")) track.remove();
      media.src = playlist;
      return;
    }
    media.removeAttribute("src");
    media.load();
    media.controls = false;
    button.hidden = false;
    if (quality) quality.closest("label").hidden = quality.options.length < 3;
    button.addEventListener("click", () => start(media));
    media.addEventListener("play", begin, { once: true });
    media.addEventListener("loadeddata", ready);
    // Whether the viewer wants it to play: an error pauses it too, and another source stops it.
    media.addEventListener("play", () => { going = true; });
    media.addEventListener("pause", () => { if (!media.error) going = false; });
    if (quality) quality.addEventListener("change", () => { if (hls) hls.nextLevel = level(); });
    if (sound) sound.addEventListener("change", chooseSound);
  };

  // The storyboard's picture of the moment that is pointed at or moved to.
  window.nrThumbs = (range) => {
    const view = range.parentElement.querySelector(".nr-thumb");
    const address = new URL(range.dataset.nrStoryboard, location);
    const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + +part, 0);
    const cue = /([\d:.]+) --> ([\d:.]+).*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;
    const read = async () => [...(await (await fetch(address)).text()).matchAll(cue)].map(
      ([, from, to, name, ...box]) => ({ to: seconds(to), url: new URL(name, address).href, box }));
    let cues;
    const show = async (time) => {
      cues ||= read().catch(() => []);
      const all = await cues, found = all.find((one) => time < one.to) || all.at(-1);
      if (!found) return;
      const [x, y, width, height] = found.box, whole = range.clientWidth;
      const left = whole * time / range.max - width / 2;
      Object.assign(view.style, {
        width: width + "px", height: height + "px",
        left: Math.max(0, Math.min(whole - width, left)) + "px",
        background: `url("${found.url}") -${x}px -${y}px`,
      });
      view.hidden = false;
    };
    const hide = () => { view.hidden = true; };
    range.addEventListener("pointermove", ({ offsetX }) => {
      show(Math.max(0, Math.min(1, offsetX / range.clientWidth)) * range.max);
    });
    range.addEventListener("input", () => show(+range.value));
    for (const name of ["pointerleave", "blur"]) range.addEventListener(name, hide);
  };
})();
