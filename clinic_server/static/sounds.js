// What a verdict sounds like, for whoever has no eyes free: the exit's answers, the bench's permits and refusals.
// A browser lets a page sound only after it was touched; `whenChanged` hears whether it does.
const verdictSounds = (() => {
  "use strict";

  // [pitch in Hz, beginning and length in seconds]: they differ in pitch and in rhythm, so that ears alone can tell.
  const SOUNDS = {
    good: [[784, 0, 0.18], [1175, 0.2, 0.4]],
    warn: [[392, 0, 0.25], [392, 0.4, 0.25], [392, 0.8, 0.25]],
    stop: [[196, 0, 0.12], [262, 0.14, 0.12], [196, 0.28, 0.12], [262, 0.42, 0.12], [196, 0.56, 0.12], [262, 0.7, 0.3]],
  };
  const LOUDNESS = 0.4;
  const FADE_S = 0.02;
  const audio = new AudioContext();

  function play(tone) {
    document.documentElement.dataset.sounded = tone;
    if (audio.state !== "running" && !navigator.userActivation.hasBeenActive) return; // the browser would only complain
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

  function whenChanged(tell) {
    const isHeard = () => audio.state === "running";
    audio.addEventListener("statechange", () => tell(isHeard()));
    tell(isHeard());
  }

  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => audio.resume());
  return { play, whenChanged };
})();
