// The reporter's sheet: copying, the choice of blog and width, and keeping what it says current
// without taking away what the reporter is doing.
(() => {
  "use strict";
  const sheet = document.querySelector(".nr-sheet");
  const copied = sheet.dataset.nrCopied, failed = sheet.dataset.nrCopyFailed;
  const parts = (root) => [...root.querySelectorAll("[data-nr-part]")];
  const nameOf = (part) => (part.closest(".nr-entry") || { id: "" }).id + "/" + part.dataset.nrPart;
  // What the server said of each part, before anything here touches it.
  const said = new Map(parts(document).map((part) => [nameOf(part), part.innerHTML]));

  // Storage throws where it is not allowed; everything is then as at the first visit.
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* no */ } };
  const remembered = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  // --- copying

  const copy = async (text, area) => {
    area.focus();
    area.select();
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return document.execCommand("copy"); // no permission, or http without a clipboard interface
    }
  };
  const confirm = (button, words) => {
    button.dataset.nrWords = button.dataset.nrWords || button.textContent;
    button.textContent = words;
    clearTimeout(button.nrLater);
    button.nrLater = setTimeout(() => { button.textContent = button.dataset.nrWords; }, 2500);
  };
  const equip = (root) => {
    for (const button of root.querySelectorAll("[data-nr-copy]")) {
      button.hidden = false;
      button.setAttribute("aria-live", "polite");
    }
  };
  sheet.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-nr-copy]");
    if (!button) return;
    const area = button.closest(".nr-snippet").querySelector("textarea");
    confirm(button, (await copy(area.value, area)) ? copied : failed);
    button.focus({ preventScroll: true });
  });

  // --- the width: the same arithmetic as in subject.py, on what the server wrote

  const NOMINAL = 640, TALLEST = 640;
  const of = (size, part, whole) =>
    Math.max(1, Math.floor((2 * size * part + whole) / (2 * whole)));
  const high = (width, [across, down]) =>
    down > across && width === of(TALLEST, across, down) ? TALLEST : of(width, down, across);
  const lowest = ([a, b]) => {
    const common = (x, y) => (y ? common(y, x % y) : x);
    return [a / common(a, b), b / common(a, b)];
  };
  const across = (limit, exact) =>
    exact ? `width:${limit}px;max-width:100%` : `width:100%;max-width:${limit}px`;

  const framed = (text, shape, { pixels, exact }) => {
    const fixed = !/aspect-ratio/.test(text);
    const [a, b] = lowest(shape);
    const natural = b > a && !fixed ? of(TALLEST, a, b) : NOMINAL;
    const limit = exact || fixed || b <= a ? pixels : Math.min(pixels, natural);
    const width = exact ? limit : Math.min(natural, limit);
    return text
      .replace(/(width=")100%(" height=")(\d+)/, (_, one, two, height) =>
        one + (exact ? limit : "100%") + two + (fixed ? height : high(width, [a, b])))
      .replace(/width:100%(;max-width:\d+px)?/, across(limit, exact));
  };
  const pictured = (text, shape, { pixels, exact }) =>
    text.replace(/width="(\d+)" height="\d+"(.*?)style="width:100%;max-width:\d+px/, (_, width, rest) => {
      const limit = exact ? pixels : Math.min(pixels, +width);
      return `width="${limit}" height="${high(limit, shape)}"${rest}style="${across(limit, exact)}`;
    });
  const plain = (text, _, { pixels, exact }) =>
    text
      .replaceAll(/(style=")width:100%(;max-width:(\d+)px)?/g, (_all, style, _limit, own) =>
        style + across(exact || !own ? pixels : Math.min(pixels, +own), exact))
      .replaceAll("(min-width:50em) 760px, 100vw", `(min-width:${pixels}px) ${pixels}px, 100vw`);
  const SHAPERS = {
    iframe: framed, hugo: framed, jekyll: framed, poster: pictured, native: plain, first: plain,
  };

  const kind = document.querySelector("[data-nr-look]");
  const number = document.querySelector("[data-nr-pixels]");
  const look = () => {
    const pixels = Math.round(number.value);
    const fits = number.value && pixels >= +number.min && pixels <= +number.max;
    return kind.value && fits ? { pixels, exact: kind.value === "exact" } : null;
  };
  const dress = (area) => {
    const [, variant] = area.id.split("--");
    const shaper = SHAPERS[variant], wanted = look(), part = area.closest("[data-nr-part]");
    const text = area.defaultValue;
    const size = variant === "poster" ? part.dataset.nrPoster : part.dataset.nrShape;
    const next = shaper && wanted ? shaper(text, size.split(" ").map(Number), wanted) : text;
    if (area.value !== next) area.value = next;
  };
  const areas = () => [...sheet.querySelectorAll("[data-nr-part=snippets] textarea")];
  const redress = () => {
    number.parentElement.hidden = !kind.value;
    areas().forEach(dress);
  };
  for (const control of [kind, number]) {
    control.addEventListener("input", () => {
      remember("nr-look", kind.value);
      remember("nr-pixels", number.value);
      redress();
    });
  }
  kind.value = remembered("nr-look") || "";
  if (kind.selectedIndex < 0) kind.value = "";
  number.value = remembered("nr-pixels") || number.value;
  document.querySelector(".nr-look").hidden = false;

  // --- the blog

  const before = document.getElementById("nr-" + remembered("nr-system"));
  if (before && before.type === "radio") before.checked = true;
  for (const radio of document.querySelectorAll("[name=nr-system]")) {
    radio.addEventListener("change", () => remember("nr-system", radio.value));
  }

  // --- keeping current: only what changed is put in, and never where the reporter is at work

  const isBusy = (part) => {
    if (part.contains(document.activeElement)) return true;
    const chosen = document.getSelection();
    return !chosen.isCollapsed && chosen.containsNode(part, true);
  };
  const opened = (part) => [...part.querySelectorAll("details")].map((one) => one.open);
  const fill = (part, html) => {
    const open = opened(part);
    part.innerHTML = html;
    part.querySelectorAll("details").forEach((one, at) => { one.open = Boolean(open[at]); });
    equip(part);
    part.querySelectorAll("textarea").forEach(dress);
  };
  // True when all of it could be put in.
  const renew = (fresh) => {
    const part = document.getElementById(fresh.closest(".nr-entry")?.id)
      ?.querySelector(`[data-nr-part=${fresh.dataset.nrPart}]`) || sheet.querySelector(".nr-head");
    const name = nameOf(fresh);
    if (said.get(name) === fresh.innerHTML) return true;
    if (isBusy(part)) return false;
    said.set(name, fresh.innerHTML);
    Object.assign(part.dataset, fresh.dataset);
    fill(part, fresh.innerHTML);
    return true;
  };
  const place = (section, last) => {
    last.after(section);
    parts(section).forEach((part) => said.set(nameOf(part), part.innerHTML));
    equip(section);
    section.querySelectorAll("textarea").forEach(dress);
  };
  // New shapes are new classes in the post's style sheet.
  const restyle = async () => {
    const link = [...document.querySelectorAll("link[rel=stylesheet]")].pop();
    await fetch(link.href, { cache: "reload" });
    const next = link.cloneNode();
    next.addEventListener("load", () => link.remove());
    link.after(next);
  };
  const merge = (page) => {
    let last = sheet.querySelector(".nr-systems"), done = true, shapes = false;
    const wanted = new Set();
    for (const fresh of page.querySelectorAll(".nr-entry")) {
      wanted.add(fresh.id);
      let there = document.getElementById(fresh.id);
      if (there) {
        for (const part of parts(fresh)) done = renew(part) && done;
        const [frame, next] = [there, fresh].map((one) => one.querySelector(".nr-preview iframe"));
        shapes = shapes || frame.className !== next.className;
        frame.className = next.className;
      } else {
        there = document.importNode(fresh, true);
        place(there, last);
        shapes = true;
      }
      last = there;
    }
    for (const gone of sheet.querySelectorAll(".nr-entry")) {
      if (wanted.has(gone.id)) continue;
      if (isBusy(gone)) done = false; else gone.remove();
    }
    done = renew(page.querySelector(".nr-head")) && done;
    if (shapes) restyle().catch(() => {});
    return done;
  };
  // What is on the screen stays where it is, whatever grew above it.
  const steadily = (change) => {
    const seen = [...sheet.querySelectorAll(".nr-entry")].find((one) => one.getBoundingClientRect().bottom > 0);
    const top = seen ? seen.getBoundingClientRect().top : 0;
    const done = change();
    if (seen && seen.isConnected) scrollBy(0, seen.getBoundingClientRect().top - top);
    return done;
  };

  const SOON = 3000, ENDED = ["published", "failed", "withdrawn"];
  let pause = SOON, known = "", settled = false;
  const again = () => { setTimeout(ask, pause); pause = Math.min(pause * 1.2, 30000); };
  const ask = async () => {
    if (document.hidden) return again();
    try {
      const now = await (await fetch(sheet.dataset.nrPost, { cache: "no-cache" })).text();
      if (now !== known || !settled) {
        const answer = await fetch(location.pathname + location.search, { cache: "no-cache" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        settled = steadily(() => merge(page));
        if (now !== known) pause = SOON;
        known = now;
      }
      if (settled && JSON.parse(now).items.every((one) => ENDED.includes(one.state))) pause = 30000;
    } catch { /* the next attempt may succeed */ }
    again();
  };

  equip(document);
  redress();
  setTimeout(ask, SOON);
})();
