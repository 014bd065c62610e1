// The emergency key: the first press arms it for three seconds, the second calls the team.
// F12 presses the only key of a page; of several, the one beside what has the focus, or goes to the first.
// A live refresh between the two presses puts a new key in its place: that one is armed as the old one was.
(() => {
  "use strict";

  const ARMED_MS = 3000;
  const armed = new Set(); // the addresses the keys call
  const keys = () => [...document.querySelectorAll("[data-emergency]")].filter((key) => key.getClientRects().length);
  const addressOf = (key) => key.form.getAttribute("action");
  const isArmed = (key) => armed.has(addressOf(key));

  function show(key) {
    const words = key.querySelector("span");
    key.dataset.usual ??= words.textContent;
    key.toggleAttribute("data-armed", isArmed(key));
    words.textContent = isArmed(key) ? key.dataset.again : key.dataset.usual;
  }

  const showAll = () => document.querySelectorAll("[data-emergency]").forEach(show);

  function arm(address) {
    armed.add(address);
    showAll();
    setTimeout(() => {
      armed.delete(address);
      showAll();
    }, ARMED_MS);
  }

  function keyMeant() {
    const all = keys();
    const here = document.activeElement?.closest("tr, article, section, form")?.querySelector("[data-emergency]");
    return all.length === 1 ? all[0] : all.find((key) => key === here);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "F12" || event.ctrlKey || event.altKey || event.metaKey || !keys().length) return;
    event.preventDefault();
    if (event.repeat) return;
    const key = keyMeant();
    (key ?? keys()[0]).focus();
    key?.click();
  });

  // At the window, before desk.js and htmx see the submit: a form of an unarmed key goes nowhere.
  window.addEventListener(
    "submit",
    (event) => {
      const key = event.target.querySelector("[data-emergency]");
      if (!key || isArmed(key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      arm(addressOf(key));
    },
    true,
  );

  document.addEventListener("htmx:before:settle", showAll);
})();
