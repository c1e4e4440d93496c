// Pictures that move do so while they are seen, unless motion is unwelcome, or a reader has
// stopped them. They are silent, and no reason for films to pause.
(() => {
  "use strict";
  const loops = [...document.querySelectorAll(".nr-loop")];
  const move = (loop, isSeen) => {
    if (isSeen && !loop.dataset.nrHeld) loop.play().catch(() => {});
    if (!isSeen && !loop.paused) {
      loop.dataset.nrAway = "";
      loop.pause();
    }
  };
  const attend = (loop, watcher) => {
    loop.addEventListener("pause", () => {
      if ("nrAway" in loop.dataset) delete loop.dataset.nrAway;
      else loop.dataset.nrHeld = "by its reader";
    });
    loop.addEventListener("play", () => { delete loop.dataset.nrHeld; });
    watcher.observe(loop);
  };
  if (loops.length && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const watcher = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) move(target, isIntersecting);
    });
    for (const loop of loops) attend(loop, watcher);
  }
})();
