// A scanner that plays keyboard. What it types becomes one scan, wherever the focus stands and whatever input method
// is on; the field it typed into becomes what it was before. A scan ends with Enter or Tab.
//
// A burst of keys is a scanner's, and no person's, when it has at least 6 characters, no gap between two keys is longer
// than 100 ms (wireless and remote desktops), no key was held down, and one of these is true:
//   its first three gaps are at most 35 ms;
//   it has at least 12 characters, and half of its gaps are at most 35 ms: a remote desktop hands keys over in handfuls;
//   it has at least 12 characters, and its longest gap is at most 30 ms longer than its shortest: people are uneven.
// Nothing may come of one that has no end, or that stopped in its middle: it is undone, and the page says so.
//
// [data-scan] marks the field that waits for scans: "submit" sends its form, "fill" leaves that to the person, "line"
// adds a line to a text area.
(() => {
  "use strict";

  const LONGEST_GAP_MS = 100;
  const MACHINE_GAP_MS = 35;
  const STEADY_SPREAD_MS = 30;
  const SHORTEST_SCAN = 6;
  const SHORTEST_SLOW = 12;
  const SHORTEST_UNENDED = 8;
  const UNENDED_AFTER_MS = 500;
  const BROKEN_FOR_MS = 1000;
  const IME_SETTLES_MS = 300;
  const SEPARATOR = "|"; // how <GS> is shown; the server knows it
  const SHIFTED_DIGITS = ")!@#$%^&*(";
  const SIGNS = {
    Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"",
    Comma: ",<", Period: ".>", Slash: "/?", Backquote: "`~", Space: "  ",
    NumpadAdd: "++", NumpadSubtract: "--", NumpadMultiply: "**", NumpadDivide: "//", NumpadDecimal: "..",
  };

  const notice = document.getElementById("notice");
  const isShown = (element) => element.checkVisibility(); // not in a fold that is closed
  const isWithInputMethod = (event) => event.isComposing || event.keyCode === 229 || event.key === "Process";

  let burst = emptyBurst();
  let altNumber = "";
  let unended = 0;
  let brokenUntil = 0;

  function emptyBurst() {
    return { text: "", last: -Infinity, gaps: [], before: new Map(), isComposed: false, isBroken: false };
  }

  // With an input method on, only the place of the key is told; the scanner plays a US keyboard.
  function byPlace({ code, shiftKey }) {
    const letter = /^Key([A-Z])$/.exec(code)?.[1];
    if (letter) return shiftKey ? letter : letter.toLowerCase();
    const digit = /^Digit([0-9])$/.exec(code)?.[1];
    if (digit) return shiftKey ? SHIFTED_DIGITS[digit] : digit;
    return /^Numpad([0-9])$/.exec(code)?.[1] ?? SIGNS[code]?.[shiftKey ? 1 : 0] ?? "";
  }

  function characterOf(event) {
    if (event.altKey || event.metaKey || (event.ctrlKey && !event.getModifierState("AltGraph"))) return "";
    if (isWithInputMethod(event)) return byPlace(event);
    if (event.key.length !== 1) return "";
    const isLetter = /^[A-Za-z]$/.test(event.key);
    // A scanner presses Shift for a capital letter and does not know of Caps Lock.
    if (isLetter && event.code && event.getModifierState("CapsLock")) return byPlace(event);
    return event.key;
  }

  const isSeparator = (event) => event.key === "F8" || event.code === "F8" || (event.ctrlKey && event.code === "BracketRight");
  const isEnd = (event) => ["Enter", "NumpadEnter", "Tab"].includes(event.code) || ["Enter", "Tab"].includes(event.key);

  function looksMade({ text, gaps }) {
    const isQuick = (gap) => gap <= MACHINE_GAP_MS;
    if (gaps.length >= 3 && gaps.slice(0, 3).every(isQuick)) return true;
    if (text.length < SHORTEST_SLOW) return false;
    return 2 * gaps.filter(isQuick).length >= gaps.length || Math.max(...gaps) - Math.min(...gaps) <= STEADY_SPREAD_MS;
  }

  const isScan = (one) => one.text.length >= SHORTEST_SCAN && looksMade(one);
  // Stricter, for nothing ends it: every gap is a machine's.
  const isUnended = (one) => one.text.length >= SHORTEST_UNENDED && one.gaps.every((gap) => gap <= MACHINE_GAP_MS);

  function add(event, character) {
    const gap = event.timeStamp - burst.last;
    if (gap > LONGEST_GAP_MS) {
      if (isUnended(burst)) breakOff(event.timeStamp);
      burst = emptyBurst();
      burst.isBroken = event.timeStamp < brokenUntil;
    } else {
      burst.gaps.push(gap);
    }
    burst.text += character;
    burst.last = event.timeStamp;
    burst.isComposed ||= isWithInputMethod(event);
    const field = event.target;
    if ("value" in field && !burst.before.has(field)) burst.before.set(field, field.value);
    clearTimeout(unended);
    if (isUnended(burst)) unended = setTimeout(breakOff, UNENDED_AFTER_MS, event.timeStamp);
  }

  // A code that stops in its middle is no code, and what comes of it a moment later is none either.
  function breakOff(at) {
    brokenUntil = at + BROKEN_FOR_MS + UNENDED_AFTER_MS;
    undo(burst);
    burst = emptyBurst();
    say("scan-unended");
  }

  function undo({ before, isComposed }) {
    if (isComposed) document.activeElement.blur(); // the input method lets go of what it holds
    for (const [field, value] of before) put(field, value);
    if (isComposed) hold(before);
  }

  function put(field, value) {
    if (field.value === value) return;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Some input methods write what they held a moment after the last key.
  function hold(values) {
    const again = (event) => {
      if (event.isTrusted && values.has(event.target)) event.target.value = values.get(event.target);
    };
    document.addEventListener("input", again, true);
    setTimeout(() => document.removeEventListener("input", again, true), IME_SETTLES_MS);
  }

  function say(template) {
    notice.replaceChildren(document.getElementById(template).content.cloneNode(true));
  }

  function deliver(scan) {
    undo(scan);
    if (scan.isBroken) return say("scan-unended");
    const field = [...document.querySelectorAll("[data-scan]")].find(isShown);
    if (!field) return say("scan-unused");
    if (field.form.dataset.sending) return say("scan-too-soon");
    const lines = field.dataset.scan === "line" ? field.value.replace(/\n*$/, (end) => end && "\n") : "";
    const value = field.dataset.scan === "line" ? `${lines}${scan.text}\n` : scan.text;
    scan.before.set(field, value); // what is held now
    put(field, value);
    if (field.dataset.scan === "submit") field.form.requestSubmit();
    else field.focus();
  }

  function follow(event) {
    if (event.repeat) {
      burst = emptyBurst();
      return;
    }
    if (event.key === "Alt") altNumber = "";
    if (event.altKey && /^Numpad[0-9]$/.test(event.code)) altNumber += event.code.at(-1);
    const character = characterOf(event);
    const isMidway = event.timeStamp - burst.last <= LONGEST_GAP_MS && burst.text.length > 3 && looksMade(burst);
    if (character) add(event, character);
    else if (isSeparator(event) && isMidway) take(event, () => add(event, SEPARATOR));
    else if (isEnd(event)) end(event);
  }

  function end(event) {
    const scan = burst;
    burst = emptyBurst();
    clearTimeout(unended);
    const isInTime = event.timeStamp - scan.last <= LONGEST_GAP_MS;
    if (isInTime && (isScan(scan) || scan.isBroken)) take(event, () => deliver(scan));
    else if (!isInTime && isUnended(scan)) {
      burst = scan;
      take(event, () => breakOff(event.timeStamp));
    }
  }

  function take(event, act) {
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  // Alt, 0 2 9 on the keypad, Alt released: the separator.
  function followAlt(event) {
    if (event.key !== "Alt") return;
    if (Number(altNumber) === 29 && burst.text) add(event, SEPARATOR);
    altNumber = "";
  }

  document.addEventListener("keydown", follow, true);
  document.addEventListener("keyup", followAlt, true);
})();
