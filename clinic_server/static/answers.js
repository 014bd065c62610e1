// Answers by number: 1, 2, 3 answers the question in focus, or the first open one, and goes on to the next.
// A digit counts only when the keyboard then rests a moment: a scanner's burst answers nothing.
(() => {
  "use strict";

  const REST_MS = 110; // longer than any gap within a scan
  let pending = 0;
  let lastCharacterAt = 0;

  const choicesOf = (question) => [...question.querySelectorAll('input[type="radio"], input[type="checkbox"]')];
  const fieldsOf = (question) => [...question.querySelectorAll("input")];
  const shownQuestions = () =>
    [...document.querySelectorAll("fieldset.answers")].filter((question) => question.getClientRects().length);
  const isOpen = (question) => !choicesOf(question).some((choice) => choice.checked);

  function answer(number, focused) {
    const stands = focused.isConnected ? focused : document.activeElement; // a live refresh may have replaced it
    const question = stands.closest?.("fieldset.answers") ?? shownQuestions().find(isOpen);
    const chosen = question && choicesOf(question)[number - 1];
    if (!chosen) return;
    chosen.click();
    if (chosen.type === "checkbox") return;
    const questions = shownQuestions(); // a "yes" may have brought its follow-up
    const next = questions[questions.indexOf(question) + 1];
    (next ? fieldsOf(next)[0] : document.querySelector("[data-after-answers]") ?? chosen).focus();
  }

  document.addEventListener("keydown", (event) => {
    const isBurst = event.timeStamp - lastCharacterAt < REST_MS;
    if (event.key.length === 1) lastCharacterAt = event.timeStamp;
    clearTimeout(pending);
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) return;
    if (event.target.matches?.('input:not([type="radio"], [type="checkbox"]), textarea, select')) return;
    if (isBurst || !/^[1-9]$/.test(event.key)) return;
    pending = setTimeout(answer, REST_MS, Number(event.key), event.target);
  });
})();
