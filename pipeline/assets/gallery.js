// Photos: the viewer (keys, swipe, zoom, deep links, neighbours loaded ahead, on over the borders of
// pages) and the strip's buttons. Without it every photo is a link to its own page.
(() => {
  "use strict";
  const dialog = document.querySelector(".nr-viewer");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // Two fingers' distance at which a photo is as large as it gets, and what a double tap does.
  const MOST = 6, TAPPED = 2.5;

  // What a page shows, as plain values; addresses are made absolute, for it may be another page.
  const found = (doc, base) => {
    const to = (address) => new URL(address, base).href;
    const all = (set) => (set || "").split(", ").filter(Boolean).map((one) => {
      const [address, width] = one.split(" ");
      return to(address) + " " + width;
    }).join(", ");
    return [...doc.querySelectorAll("[data-nr-photo]")].map((link) => {
      const cell = link.closest("figure"), image = link.querySelector("img");
      const modern = link.querySelector("source"), said = cell.querySelector("figcaption");
      return {
        id: cell.id, page: base, href: to(link.getAttribute("href")), alt: image.alt,
        words: said ? said.textContent.replace(/\s+/g, " ").trim() : "",
        large: to(link.dataset.nrPhoto), width: +link.dataset.nrWidth, height: +link.dataset.nrHeight,
        src: to(image.getAttribute("src")), jpeg: all(image.getAttribute("srcset")),
        avif: all(modern && modern.getAttribute("srcset")),
      };
    });
  };
  const beside = (doc, way, base) => {
    const link = doc.querySelector(`head link[rel=${way}]`);
    return link ? new URL(link.getAttribute("href"), base).href : "";
  };

  const fill = (source, image, photo, sizes) => {
    source.srcset = photo.avif;
    source.sizes = image.sizes = sizes;
    image.srcset = photo.jpeg;
    image.width = photo.width;
    image.height = photo.height;
    image.src = photo.src;
  };
  const ahead = (photo) => {
    if (!photo) return;
    const picture = document.createElement("picture"), source = document.createElement("source");
    source.type = "image/avif";
    picture.append(source, new Image());
    fill(source, picture.lastChild, photo, "100vw");
  };

  // Scaled and moved about the middle of the stage; `turn` is called for swipes, `away` downwards.
  const zooming = (stage, image, on) => {
    const fingers = new Map();
    let scale = 1, x = 0, y = 0, start = null, tapped = -Infinity;

    const draw = () => {
      const wide = stage.clientWidth * (scale - 1) / 2, high = stage.clientHeight * (scale - 1) / 2;
      x = Math.max(-wide, Math.min(wide, x));
      y = Math.max(-high, Math.min(high, y));
      image.style.transform = scale > 1 ? `translate(${x}px, ${y}px) scale(${scale})` : "";
      stage.classList.toggle("nr-zoomed", scale > 1);
      on.scale(scale);
    };
    // The point under the fingers or the pointer stays where it is.
    const to = (wanted, at) => {
      const next = Math.max(1, Math.min(MOST, wanted));
      const box = stage.getBoundingClientRect();
      const px = at ? at[0] - box.left - box.width / 2 : 0, py = at ? at[1] - box.top - box.height / 2 : 0;
      x = px - (px - x) * next / scale;
      y = py - (py - y) * next / scale;
      scale = next;
      draw();
    };
    const middle = () => {
      const [one, two] = [...fingers.values()];
      return {
        at: [(one[0] + two[0]) / 2, (one[1] + two[1]) / 2],
        apart: Math.hypot(one[0] - two[0], one[1] - two[1]) || 1,
      };
    };
    const begin = () => {
      if (fingers.size === 2) {
        const { at, apart } = middle();
        start = { at, apart, scale };
      } else if (fingers.size === 1) {
        const [at] = fingers.values();
        start = { at, x, y, once: true };
      } else start = null;
    };

    stage.addEventListener("pointerdown", (event) => {
      if (event.button || fingers.size === 2) return;
      try { stage.setPointerCapture(event.pointerId); } catch { /* gone already */ }
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      begin();
    });
    stage.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId) || !start) return;
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size === 2) {
        const { at, apart } = middle();
        x += at[0] - start.at[0];
        y += at[1] - start.at[1];
        start.at = at;
        to(start.scale * apart / start.apart, at);
        return;
      }
      const across = event.clientX - start.at[0], down = event.clientY - start.at[1];
      if (scale > 1) {
        x = start.x + across;
        y = start.y + down;
        draw();
      } else if (!calm && start.once) image.style.transform = `translateX(${across}px)`;
    });
    const end = (event) => {
      if (!fingers.has(event.pointerId)) return;
      const alone = fingers.size === 1 && start && start.once;
      const across = alone ? event.clientX - start.at[0] : 0, down = alone ? event.clientY - start.at[1] : 0;
      fingers.delete(event.pointerId);
      begin();
      if (start) start.once = false;
      if (scale > 1 && (!alone || Math.hypot(across, down) > 10)) return;
      if (!alone || event.type === "pointercancel") return draw();
      const still = Math.hypot(across, down) < 10;
      const twice = still && event.timeStamp - tapped < 350;
      tapped = still && !twice ? event.timeStamp : -Infinity;
      if (twice) return to(scale > 1 ? 1 : TAPPED, [event.clientX, event.clientY]);
      if (scale > 1) return;
      draw();
      if (Math.abs(across) > 40 && Math.abs(across) > 1.5 * Math.abs(down)) on.turn(across < 0 ? 1 : -1);
      else if (event.pointerType === "touch" && down > 90 && down > 2 * Math.abs(across)) on.away();
    };
    stage.addEventListener("pointerup", end);
    stage.addEventListener("pointercancel", end);
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      to(scale * Math.exp(-event.deltaY / 400), [event.clientX, event.clientY]);
    }, { passive: false });
    window.addEventListener("resize", () => draw());
    return {
      by: (factor) => to(scale * factor),
      reset: () => { scale = 1; x = y = 0; draw(); },
      move: (across, down) => { x += across; y += down; draw(); },
      zoomed: () => scale > 1,
    };
  };

  const viewer = () => {
    const here = location.href.split("#")[0];
    const rows = document.querySelector("[data-nr-gallery]");
    const part = (name) => dialog.querySelector(name);
    const image = part("figure img"), modern = part("source"), stage = part(".nr-viewer-stage");
    const words = part("figcaption"), count = part(".nr-viewer-count"), own = part(".nr-viewer-page");
    const steps = [...dialog.querySelectorAll("[data-nr-go]")];
    const zooms = [...dialog.querySelectorAll("[data-nr-zoom]")];
    const galleries = document.querySelectorAll("[data-nr-gallery]").length;
    let photos = found(document, here), at = 0;
    let before = galleries > 1 ? 0 : +rows.dataset.nrBefore;
    const total = () => Math.max(galleries > 1 ? 0 : +rows.dataset.nrTotal, before + photos.length);
    const next = { 1: beside(document, "next", here), "-1": beside(document, "prev", here) };
    const asked = {};

    // The photos of the page before or after, once the viewer comes near.
    const more = (way) => {
      const page = next[way];
      if (!page) return null;
      asked[page] ||= fetch(page).then((answer) => answer.ok ? answer.text() : Promise.reject(answer)).then((text) => {
        const doc = new DOMParser().parseFromString(text, "text/html"), others = found(doc, page);
        photos = way > 0 ? [...photos, ...others] : [...others, ...photos];
        if (way < 0) {
          at += others.length;
          before = Math.max(0, before - others.length);
        }
        next[way] = beside(doc, way > 0 ? "next" : "prev", page);
        tell();
      }).catch(() => { asked[page] = Promise.resolve(false); return false; });
      return asked[page];
    };
    const tell = () => {
      count.textContent = before + at + 1 + " / " + total();
      for (const step of steps) step.disabled = !photos[at + +step.dataset.nrGo] && !next[step.dataset.nrGo];
    };
    // What the photo is shown from grows with its size on the screen; a scan has a file for that.
    const sharpen = (scale) => {
      for (const button of zooms) button.disabled = button.dataset.nrZoom === "in" ? scale >= MOST : scale <= 1;
      const photo = photos[at], widest = Math.max(0, ...photo.avif.split(", ").map((one) => parseInt(one.split(" ")[1], 10) || 0));
      const wanted = stage.clientWidth * scale * devicePixelRatio;
      if (scale > 1 && wanted > widest && photo.width > widest) {
        if (image.src === photo.large && !image.srcset) return;
        modern.srcset = "";
        image.removeAttribute("srcset");
        image.src = photo.large;
      } else if (image.srcset && scale > 1) modern.sizes = image.sizes = Math.ceil(scale) * 100 + "vw";
    };
    const zoom = zooming(stage, image, {
      scale: sharpen, turn: (way) => go(way), away: () => dialog.close(),
    });
    const show = (number) => {
      at = Math.max(0, Math.min(photos.length - 1, number));
      const photo = photos[at];
      fill(modern, image, photo, "100vw");
      zoom.reset();
      image.alt = photo.alt;
      words.textContent = photo.words;
      own.href = photo.href;
      tell();
      history.replaceState(null, "", "#" + photo.id);
      ahead(photos[at + 1]);
      ahead(photos[at - 1]);
      if (at > photos.length - 4) more(1);
      if (at < 3) more(-1);
    };
    const go = async (way) => {
      if (photos[at + way]) return show(at + way);
      const page = next[way];
      if (!page) return;
      await more(way);
      if (photos[at + way]) show(at + way);
      else location.assign(page + (way > 0 ? "#nr-first" : "#nr-last"));
    };
    const open = (number) => {
      show(number);
      if (!dialog.open) dialog.showModal();
    };
    // A link may name a photo that has moved to another page since.
    const elsewhere = async (name) => {
      const place = rows.dataset.nrPlaces && new URL(rows.dataset.nrPlaces, here).href;
      if (!place) return;
      const { pages } = await (await fetch(place)).json();
      const page = pages.find((one) => one.photos.includes(name));
      const address = page && new URL(page.url, place).href;
      if (address && address !== here) location.replace(address + "#" + name);
    };
    const linked = () => {
      const name = decodeURIComponent(location.hash.slice(1));
      if (!name) return;
      if (name[0] === "~") return back(name.slice(1));
      const number = { "nr-first": 0, "nr-last": photos.length - 1 }[name] ?? photos.findIndex((one) => one.id === name);
      if (number >= 0) open(number);
      else if (!document.getElementById(name)) elsewhere(name).catch(() => {});
    };
    const back = (name) => {
      history.replaceState(null, "", location.pathname + location.search);
      const cell = document.getElementById(name), link = cell && cell.querySelector("a");
      if (!link) return;
      link.scrollIntoView({ block: "nearest" });
      link.focus({ preventScroll: true });
    };

    for (const link of document.querySelectorAll("[data-nr-photo]")) link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      open(photos.findIndex((one) => one.id === link.closest("figure").id));
    });
    for (const step of steps) step.addEventListener("click", () => go(+step.dataset.nrGo));
    for (const button of zooms) button.addEventListener("click", () => zoom.by(button.dataset.nrZoom === "in" ? 1.6 : 1 / 1.6));
    part("[data-nr-close]").addEventListener("click", () => dialog.close());
    window.addEventListener("keydown", (event) => {
      if (!dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
      const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      const deed = zoom.zoomed() && arrow ? () => zoom.move(80 * arrow[0], 80 * arrow[1]) : {
        ArrowLeft: () => go(-1), ArrowRight: () => go(1), Home: () => show(0), End: () => show(photos.length - 1),
        "+": () => zoom.by(1.6), "=": () => zoom.by(1.6), "-": () => zoom.by(1 / 1.6), 0: () => zoom.reset(),
      }[event.key];
      if (!deed) return;
      event.preventDefault();
      deed();
    });
    dialog.addEventListener("close", () => {
      const photo = photos[at];
      if (photo.page === here) back(photo.id);
      else location.assign(photo.page + "#~" + photo.id);
    });
    window.addEventListener("hashchange", linked);
    // The browser itself goes to the fragment when the page is loaded, and takes the focus along.
    window.addEventListener("load", () => setTimeout(linked));
  };

  const strip = document.querySelector(".nr-strip");
  if (strip) for (const button of document.querySelectorAll("[data-nr-slide]")) {
    button.hidden = strip.children.length < 2;
    button.addEventListener("click", () => strip.scrollBy({
      left: +button.dataset.nrSlide * strip.clientWidth, behavior: calm ? "auto" : "smooth",
    }));
  }
  if (dialog && document.querySelector("[data-nr-photo]")) viewer();
})();
