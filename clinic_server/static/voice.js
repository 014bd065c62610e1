// Reads calls aloud, one after the other: a chime, then each language in the browser's own voice, else in the server's.
(() => {
  "use strict";

  const LONGEST_MS = 12000; // a voice that never says it has ended must not silence the next call
  const KEPT = "clinic-voice-said";
  const MOST_KEPT = 200;
  const board = document.getElementById("voice");
  const off = document.getElementById("voice-off");
  const sound = new AudioContext();
  const said = new Set(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]")); // outlives a reload
  let speaking = Promise.resolve();

  const within = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, LONGEST_MS))]);

  function chime() {
    return new Promise((done) => {
      const tone = sound.createOscillator();
      const volume = sound.createGain();
      tone.frequency.setValueAtTime(880, sound.currentTime);
      tone.frequency.setValueAtTime(660, sound.currentTime + 0.25);
      volume.gain.setValueAtTime(0.3, sound.currentTime);
      volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.6);
      tone.connect(volume).connect(sound.destination);
      tone.onended = done;
      tone.start();
      tone.stop(sound.currentTime + 0.6);
    });
  }

  async function announce({ ticket, sentences }) {
    await within(chime());
    for (const { words, language, told, part } of sentences) {
      const clip = board.dataset.clip && `${board.dataset.clip}&ticket=${ticket}&language=${told}&piece=${part}`;
      await within(speech.say(words, language, clip));
    }
  }

  function keep(call) {
    said.add(call);
    sessionStorage.setItem(KEPT, JSON.stringify([...said].slice(-MOST_KEPT)));
  }

  // The server marks the calls that are news; each is announced once, and a recall is another call.
  function listen() {
    off.hidden = sound.state === "running";
    if (!off.hidden) return;
    for (const line of [...board.querySelectorAll("[data-announce]")].reverse()) {
      if (said.has(line.dataset.call)) continue;
      keep(line.dataset.call);
      const sentences = [...line.querySelectorAll("[data-part]")].map((one) => ({
        words: one.textContent,
        language: one.lang, // of the voice that reads it
        told: one.parentElement.lang, // of the call it is a part of
        part: one.dataset.part,
      }));
      speaking = speaking.then(() => announce({ ticket: line.dataset.ticket, sentences }));
    }
  }

  sound.addEventListener("statechange", listen);
  document.getElementById("voice-on").addEventListener("click", () => sound.resume());
  document.addEventListener("htmx:after:swap", listen);
  listen();
})();
