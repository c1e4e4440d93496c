// A few moments of the film while its card is pointed at or focused; never where less motion is wanted.
(() => {
  "use strict";
  if (!matchMedia("(prefers-reduced-motion: no-preference)").matches) return;
  for (const link of document.querySelectorAll("[data-nr-preview]")) {
    const place = link.querySelector(".nr-card-picture");
    const hide = () => { for (const film of place.querySelectorAll("video")) film.remove(); };
    const show = () => {
      hide();
      const film = Object.assign(document.createElement("video"), {
        src: link.dataset.nrPreview, muted: true, loop: true, playsInline: true,
      });
      film.setAttribute("aria-hidden", "true");
      place.append(film);
      film.play().catch(hide);
    };
    link.addEventListener("pointerenter", ({ pointerType }) => { if (pointerType === "mouse") show(); });
    link.addEventListener("focus", () => { if (link.matches(":focus-visible")) show(); });
    link.addEventListener("pointerleave", hide);
    link.addEventListener("blur", hide);
  }
})();
