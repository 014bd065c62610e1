// The bench's verdict, permit or refusal, is heard once when it comes up; its colour fills the screen (verdict.css).
(() => {
  "use strict";

  const heard = new WeakSet();

  function sound() {
    const verdict = [...document.querySelectorAll("main .permit")].find((one) => one.getClientRects().length);
    if (!verdict || heard.has(verdict)) return;
    heard.add(verdict);
    verdictSounds.play(verdict.matches(".good") ? "good" : "stop");
  }

  document.addEventListener("htmx:after:swap", sound);
  sound();
})();
