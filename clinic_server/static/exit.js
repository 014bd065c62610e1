// The exit's screen: plays each answer's sound, lets it vanish, and says so when no answer comes.
(() => {
  "use strict";

  const shownMs = Number(document.getElementById("asking").dataset.shownS) * 1000;
  const noSound = document.getElementById("no-sound");
  let vanishing = 0;

  function show(template) {
    const content = document.getElementById(template).content.cloneNode(true);
    document.getElementById("answer").replaceWith(content);
  }

  function announce() {
    clearTimeout(vanishing);
    verdictSounds.play(document.getElementById("answer").dataset.tone);
    vanishing = setTimeout(show, shownMs, "rest");
    for (const form of document.forms) form.reset();
  }

  const isQuestion = (event) => event.detail.ctx?.request?.method === "POST";

  function answered(event) {
    const ctx = event.detail.ctx;
    if (isQuestion(event) && ctx.response?.status === 200) announce();
  }

  function failed(event) {
    if (!isQuestion(event)) return;
    show("trouble");
    announce();
  }

  document.addEventListener("htmx:after:swap", answered);
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:response:error", failed);
  verdictSounds.whenChanged((isHeard) => { noSound.hidden = isHeard; });
})();
