// Desk pages without a mouse: declared keys, one form at a time, no double submit.
// A character, or an Enter outside a text field, counts only when the keyboard rests before and after it: else it may
// be of a scan.
(() => {
  "use strict";

  const REST_MS = 110; // longer than any gap within a scan
  const notice = document.getElementById("notice");
  let resting = null; // what is to be done once the keyboard has rested
  let lastCharacterAt = -Infinity;

  const isShown = (element) => element.getClientRects().length > 0;
  const WRITTEN_INTO = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  const isTyping = (element) => element?.matches?.(WRITTEN_INTO);

  function pressDeclared(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.key.length === 1 && isTyping(event.target)) return;
    if (event.key === "Enter" && event.target !== document.body) return;
    if (!declaredFor(event.key)) return;
    event.preventDefault();
    atRest(event, () => press(declaredFor(event.key))); // found anew: a live refresh may have replaced it meanwhile
  }

  function declaredFor(key) {
    const declared = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(isShown);
    return declared?.disabled ? null : declared;
  }

  function press(declared) {
    if (!declared) return;
    if (declared.matches("summary")) return pressFold(declared, declared.parentElement);
    declared.focus();
    if (!isTyping(declared)) declared.click();
  }

  // A fold that stands open already is gone into, and closed by its key only from inside.
  function pressFold(summary, fold) {
    const isInside = fold.contains(document.activeElement);
    summary.focus();
    if (!fold.open || isInside) summary.click();
    fold.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }

  function submitPrimary(event) {
    if (event.key !== "Enter" || event.defaultPrevented || event.target !== document.body) return;
    atRest(event, () => document.querySelector("form[data-primary]")?.requestSubmit());
  }

  const isCharacter = (event) => event.key.length === 1 || event.key === "Process";
  const isOfScans = (event) => isCharacter(event) || ["Enter", "Tab"].includes(event.key);

  function atRest(event, act) {
    if (isOfScans(event)) resting = { act, timer: setTimeout(settle, REST_MS) };
    else act();
  }

  function settle() {
    const settled = resting;
    forget();
    settled?.act();
  }

  function forget() {
    clearTimeout(resting?.timer);
    resting = null;
  }

  // Returns whether this key follows a character too closely to be a person's choice.
  function isRushed(event) {
    const isClose = event.timeStamp - lastCharacterAt < REST_MS;
    if (isCharacter(event)) lastCharacterAt = event.timeStamp;
    if (!isOfScans(event)) settle(); // a person chose, and went on
    else forget();
    return isClose && isOfScans(event) && !isTyping(event.target);
  }

  function buttonsOf(form) {
    return [...form.elements].filter((element) => element.type === "submit");
  }

  function guardSubmit(event) {
    const form = event.target;
    if (form.method === "get") return; // a download leaves the page as it is, and may be asked for again
    if (form.dataset.sending) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sending = "yes";
    for (const button of buttonsOf(form)) button.setAttribute("aria-disabled", "true");
  }

  function release(form) {
    delete form.dataset.sending;
    for (const button of buttonsOf(form)) button.removeAttribute("aria-disabled");
  }

  function onAnswer(event) {
    const { sourceElement, hx } = event.detail.ctx;
    if (sourceElement instanceof HTMLFormElement && !hx?.redirect) release(sourceElement);
  }

  function onNoAnswer(event) {
    const ctx = event.detail.ctx;
    if (!ctx || ctx.request.method === "GET" || ctx.response) return;
    notice.replaceChildren(document.getElementById("no-answer").content.cloneNode(true));
  }

  function clearNotice(event) {
    if (event.detail.ctx.request.method !== "GET") notice.replaceChildren();
  }

  // A refused form names the fields at fault; the page marks them, the notice says what is wrong.
  function markFaults() {
    for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    const named = notice.querySelector("[data-at-fault]")?.dataset.atFault.split(" ") ?? [];
    const fields = named.flatMap((name) => [...document.getElementsByName(name)]);
    for (const field of fields) field.setAttribute("aria-invalid", "true");
    const first = fields.find(isShown);
    if (first) first.focus();
    else if (notice.childElementCount) notice.scrollIntoView({ block: "nearest" }); // else a long page hides it
  }

  // A language chosen brings back the page it was chosen on.
  function keepPlace() {
    for (const back of document.querySelectorAll(".languages [name=back]")) back.value = location.pathname + location.search;
  }

  // A live refresh replaces what the keyboard stands on; it goes on standing there, in the same form of the same person.
  // At "before:settle", the moment the new part is there: later, a key pressed meanwhile would be lost.
  let place = null;

  function rememberPlace() {
    const active = document.activeElement;
    // Two parts may be replaced at once: what the first swap took from under the keyboard, the second must not forget.
    if (active === document.body && place && !place.element.isConnected) return;
    const form = active.form;
    const typed = isTyping(active) ? active.value : null;
    place = form && { element: active, action: form.getAttribute("action"), at: [...form.elements].indexOf(active), typed };
  }

  function returnToPlace() {
    if (!place || document.activeElement !== document.body) return;
    const form = [...document.forms].find((candidate) => candidate.getAttribute("action") === place.action);
    const again = form?.elements[place.at];
    if (!again) return;
    const fold = again.closest("details");
    if (fold) fold.open = true;
    if (place.typed !== null) again.value = place.typed;
    place.element = again;
    again.focus({ preventScroll: true });
  }

  function restoreFocus() {
    if (document.activeElement !== document.body) return;
    document.querySelector("[data-home]")?.focus({ preventScroll: true });
  }

  // The browser itself gives a field its autofocus with the first picture, when a quick hand has typed already.
  function takePlace() {
    if (document.activeElement !== document.body) return;
    document.querySelector("[autofocus]")?.focus();
    restoreFocus();
  }

  // The folded groups of pages close as menus do: by Escape, and when something else is chosen.
  function closeGroups(event) {
    for (const group of document.querySelectorAll(".pages details[open]")) {
      if (event.type === "keydown") {
        if (event.key !== "Escape") return;
        if (group.contains(document.activeElement)) group.firstElementChild.focus();
      } else if (group.contains(event.target)) continue;
      group.open = false;
    }
  }

  document.addEventListener("keydown", (event) => {
    const isHurried = isRushed(event);
    if (event.isComposing || event.keyCode === 229) return;
    if (isHurried) {
      if (event.key === "Enter") event.preventDefault();
      return;
    }
    pressDeclared(event);
    submitPrimary(event);
  }, true);
  for (const kind of ["keydown", "pointerdown", "focusin"]) document.addEventListener(kind, closeGroups);
  document.addEventListener("submit", guardSubmit, true);
  document.addEventListener("htmx:before:request", clearNotice);
  document.addEventListener("htmx:finally:request", onAnswer);
  document.addEventListener("htmx:error", onNoAnswer);
  document.addEventListener("htmx:before:swap", rememberPlace);
  document.addEventListener("htmx:before:settle", returnToPlace);
  document.addEventListener("htmx:after:settle", (event) => {
    if (event.target === notice) markFaults();
    restoreFocus();
  });
  keepPlace();
  takePlace();
})();
