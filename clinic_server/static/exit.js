// The exit's screen: plays each answer's sound, lets it vanish, and says so when no answer comes.
(() => {
  "use strict";

  // [pitch in Hz, beginning and length in seconds]: they differ in pitch and in rhythm, so that ears alone can tell.
  const SOUNDS = {
    good: [[784, 0, 0.18], [1175, 0.2, 0.4]],
    warn: [[392, 0, 0.25], [392, 0.4, 0.25], [392, 0.8, 0.25]],
    stop: [[196, 0, 0.12], [262, 0.14, 0.12], [196, 0.28, 0.12], [262, 0.42, 0.12], [196, 0.56, 0.12], [262, 0.7, 0.3]],
  };
  const LOUDNESS = 0.4;
  const FADE_S = 0.02;

  const shownMs = Number(document.getElementById("asking").dataset.shownS) * 1000;
  const noSound = document.getElementById("no-sound");
  const audio = new AudioContext();
  let vanishing = 0;

  function showWhetherItSounds() {
    noSound.hidden = audio.state === "running";
  }

  function play(tone) {
    document.documentElement.dataset.sounded = tone;
    for (const [pitch, begins, lasts] of SOUNDS[tone] ?? []) {
      const source = audio.createOscillator();
      const loudness = audio.createGain();
      const at = audio.currentTime + begins;
      source.frequency.value = pitch;
      loudness.gain.setValueAtTime(0, at);
      loudness.gain.linearRampToValueAtTime(LOUDNESS, at + FADE_S);
      loudness.gain.setValueAtTime(LOUDNESS, at + lasts - FADE_S);
      loudness.gain.linearRampToValueAtTime(0, at + lasts);
      source.connect(loudness).connect(audio.destination);
      source.start(at);
      source.stop(at + lasts);
    }
  }

  function show(template) {
    const content = document.getElementById(template).content.cloneNode(true);
    document.getElementById("answer").replaceWith(content);
  }

  function announce() {
    clearTimeout(vanishing);
    play(document.getElementById("answer").dataset.tone);
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
  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => audio.resume());
  audio.addEventListener("statechange", showWhetherItSounds);
  showWhetherItSounds();
})();
