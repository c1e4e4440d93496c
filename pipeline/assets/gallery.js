// Photos: the viewer (arrows, swipe, deep links, neighbours loaded ahead) and the strip's buttons.
// Without it every photo is a link to its own page.
(() => {
  "use strict";
  const dialog = document.querySelector(".nr-viewer");
  const links = [...document.querySelectorAll("[data-nr-photo]")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const viewer = () => {
    const image = dialog.querySelector("figure img");
    const modern = dialog.querySelector("source");
    const words = dialog.querySelector("figcaption");
    const count = dialog.querySelector(".nr-viewer-count");
    const steps = [...dialog.querySelectorAll("[data-nr-go]")];
    let at = 0;

    const fill = (source, img, data) => {
      source.srcset = data.nrAvif || "";
      source.sizes = img.sizes = "100vw";
      img.srcset = data.nrJpeg;
      img.width = data.nrWidth;
      img.height = data.nrHeight;
      img.src = data.nrPhoto;
    };
    const ahead = (link) => {
      if (!link) return;
      const picture = document.createElement("picture");
      const source = document.createElement("source");
      source.type = "image/avif";
      picture.append(source, new Image());
      fill(source, picture.lastChild, link.dataset);
    };
    const show = (number) => {
      at = Math.max(0, Math.min(links.length - 1, number));
      const cell = links[at].closest("figure");
      const caption = cell.querySelector("figcaption");
      fill(modern, image, links[at].dataset);
      image.alt = links[at].querySelector("img").alt;
      words.textContent = caption ? caption.textContent.replace(/\s+/g, " ").trim() : "";
      count.textContent = at + 1 + " / " + links.length;
      for (const step of steps) step.disabled = !links[at + +step.dataset.nrGo];
      history.replaceState(null, "", "#" + cell.id);
      ahead(links[at + 1]);
      ahead(links[at - 1]);
    };
    const open = (number) => {
      show(number);
      if (!dialog.open) dialog.showModal();
    };
    const linked = () => {
      const name = decodeURIComponent(location.hash.slice(1));
      const number = links.findIndex((link) => link.closest("figure").id === name);
      if (number >= 0) open(number);
    };

    links.forEach((link, number) => link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      open(number);
    }));
    for (const step of steps) step.addEventListener("click", () => show(at + +step.dataset.nrGo));
    dialog.querySelector("[data-nr-close]").addEventListener("click", () => dialog.close());
    window.addEventListener("keydown", (event) => {
      if (!dialog.open) return;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    });
    dialog.addEventListener("close", () => {
      history.replaceState(null, "", location.pathname + location.search);
      links[at].scrollIntoView({ block: "nearest" });
      links[at].focus({ preventScroll: true });
    });
    swipe(image, (way) => show(at + way));
    window.addEventListener("hashchange", linked);
    // The browser itself goes to the fragment when the page is loaded, and takes the focus along.
    window.addEventListener("load", () => setTimeout(linked));
  };

  // One finger, mostly sideways, at least 40 pixels; two fingers belong to the browser's zoom.
  const swipe = (place, turn) => {
    let from = null;
    place.addEventListener("pointerdown", (event) => {
      from = event.isPrimary && event.pointerType !== "mouse" ? [event.clientX, event.clientY] : null;
    });
    place.addEventListener("pointercancel", () => { from = null; });
    place.addEventListener("pointerup", (event) => {
      if (!from) return;
      const across = event.clientX - from[0], down = event.clientY - from[1];
      from = null;
      if (Math.abs(across) > 40 && Math.abs(across) > 1.5 * Math.abs(down)) turn(across < 0 ? 1 : -1);
    });
  };

  const strip = document.querySelector(".nr-strip");
  if (strip) for (const button of document.querySelectorAll("[data-nr-slide]")) {
    button.hidden = strip.children.length < 2;
    button.addEventListener("click", () => strip.scrollBy({
      left: +button.dataset.nrSlide * strip.clientWidth, behavior: calm ? "auto" : "smooth",
    }));
  }
  if (dialog && links.length) viewer();
})();
