// The reporter's sheet: copying, remembering the blog, and keeping the progress current.
(() => {
  "use strict";
  const sheet = document.querySelector(".nr-sheet");
  const copied = sheet.dataset.nrCopied, failed = sheet.dataset.nrCopyFailed;

  const copy = async (text, area) => {
    area.focus();
    area.select();
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return document.execCommand("copy"); // http on this computer has no clipboard interface
    }
  };
  for (const button of document.querySelectorAll("[data-nr-copy]")) {
    const words = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const area = button.closest(".nr-snippet").querySelector("textarea");
      button.textContent = (await copy(area.value, area)) ? copied : failed;
      button.focus({ preventScroll: true });
      setTimeout(() => { button.textContent = words; }, 2500);
    });
  }
  for (const area of document.querySelectorAll("textarea")) {
    area.addEventListener("focus", () => area.select());
  }

  // Storage throws where it is not allowed; the first system is then chosen every time.
  const remember = (value) => { try { localStorage.setItem("nr-system", value); } catch { /* no */ } };
  const remembered = () => { try { return localStorage.getItem("nr-system"); } catch { return null; } };
  const before = document.getElementById("nr-" + remembered());
  if (before && before.type === "radio") before.checked = true;
  for (const radio of document.querySelectorAll("[name=nr-system]")) {
    radio.addEventListener("change", () => remember(radio.value));
  }

  const bars = [...document.querySelectorAll("progress[data-nr-progress]")];
  let pause = 3000;
  const show = (bar, percent) => {
    if (bar.value !== percent) pause = 3000;
    bar.value = percent;
    const number = bar.parentElement.querySelector(".nr-percent");
    if (number) number.textContent = percent;
  };
  // True when an item has reached another state: the page has more to say then.
  const update = (post) => bars.some((bar) => {
    const item = post.items.find((one) => one.item === bar.dataset.nrProgress);
    show(bar, item ? item.percent : post.percent);
    return Boolean(item) && item.state !== bar.dataset.nrState;
  });
  const again = () => { setTimeout(ask, pause); pause = Math.min(pause * 1.2, 30000); };
  const ask = async () => {
    if (document.hidden) return again();
    try {
      const post = await (await fetch(sheet.dataset.nrPost, { cache: "no-cache" })).json();
      if (update(post)) return location.reload();
    } catch { /* the next attempt may succeed */ }
    again();
  };
  if (bars.length) again();
})();
