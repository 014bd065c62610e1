// Sentences said in the browser's own voice, else in a clip of the server's.
const speech = (() => {
  "use strict";

  let clip = null;

  function voiceFor(language) {
    const voices = window.speechSynthesis?.getVoices() ?? [];
    return voices.find((one) => one.lang.replace("_", "-") === language)
      ?? voices.find((one) => one.lang.startsWith(language.slice(0, 2)));
  }

  function speak(words, language, voice) {
    return new Promise((done) => {
      const utterance = new SpeechSynthesisUtterance(words);
      utterance.voice = voice;
      utterance.lang = language;
      utterance.onend = utterance.onerror = done;
      speechSynthesis.speak(utterance);
    });
  }

  async function play(address) {
    clip = new Audio(address);
    const ended = new Promise((done) => (clip.onended = clip.onerror = clip.onpause = done));
    await clip.play().catch(() => {});
    if (!clip.error) await ended;
  }

  // Says nothing where there is neither a voice nor the address of a clip.
  async function say(words, language, address) {
    const voice = voiceFor(language);
    if (voice) await speak(words, language, voice);
    else if (address) await play(address);
  }

  function stop() {
    window.speechSynthesis?.cancel();
    clip?.pause();
  }

  window.speechSynthesis?.getVoices(); // the first question makes the browser look for its voices
  return { voiceFor, say, stop };
})();
