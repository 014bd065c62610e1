// Reads a text aloud, one part after the other; the part that is read is marked.
(() => {
  "use strict";

  const bar = document.getElementById("read-aloud");
  if (!bar) return;
  const { language, clips } = bar.dataset;
  const parts = [...document.querySelectorAll("[data-read]")];
  let readings = 0; // one that was stopped, or begun anew, goes no further

  function mark(part) {
    for (const one of parts) one.classList.toggle("is-read", one === part);
    part?.scrollIntoView({ block: "nearest" });
  }

  async function read() {
    stop();
    const mine = readings;
    for (const part of parts) {
      mark(part);
      await speech.say(part.innerText, language, clips && clips + part.dataset.read);
      if (mine !== readings) return;
    }
    mark(null);
  }

  function stop() {
    readings += 1;
    speech.stop();
    mark(null);
  }

  function offer() {
    bar.hidden = !clips && !speech.voiceFor(language);
  }

  document.getElementById("read-start").addEventListener("click", read);
  document.getElementById("read-stop").addEventListener("click", stop);
  addEventListener("pagehide", stop);
  window.speechSynthesis?.addEventListener?.("voiceschanged", offer);
  offer();
})();
