// A live refresh shows part of a page anew; what somebody has opened there, or begun to fill in, stays as it was.
(() => {
  "use strict";

  const answered = new WeakSet(); // what was typed there is said, and the next begins afresh
  let begun = [];

  const fieldsOf = (form) => [...form.elements].filter((field) => field.matches("input:not([type=hidden]), select, textarea"));
  const isTicked = (field) => field.matches("[type=radio], [type=checkbox]");
  const formsTo = (action) => [...document.forms].filter((form) => form.getAttribute("action") === action);

  function isChanged(field) {
    if (isTicked(field)) return field.checked !== field.defaultChecked;
    if (!field.matches("select")) return field.value !== field.defaultValue;
    const usual = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
    return field.value !== usual?.value;
  }

  function note(form) {
    const action = form.getAttribute("action");
    const changed = answered.has(form) ? [] : fieldsOf(form).flatMap((field, at) =>
      isChanged(field) ? [{ at, name: field.name, said: isTicked(field) ? field.checked : field.value }] : []);
    return { form, action, which: formsTo(action).indexOf(form), isOpen: form.closest("details")?.open, changed };
  }

  function remember() {
    const taken = begun.filter((one) => !one.form.isConnected); // two parts may be replaced at once
    begun = [...taken, ...[...document.forms].map(note).filter((one) => one.isOpen || one.changed.length)];
  }

  function bringBack() {
    for (const { form, action, which, isOpen, changed } of begun) {
      const again = form.isConnected ? null : formsTo(action)[which];
      if (!again) continue;
      const fold = again.closest("details");
      if (fold && isOpen) fold.open = true;
      const fields = fieldsOf(again);
      for (const { at, name, said } of changed) {
        const field = fields[at];
        if (field?.name === name) field[isTicked(field) ? "checked" : "value"] = said;
      }
    }
    begun = begun.filter((one) => one.form.isConnected);
  }

  function noteAnswer(event) {
    const { sourceElement, response } = event.detail.ctx;
    if (sourceElement instanceof HTMLFormElement && response?.status < 400) answered.add(sourceElement);
  }

  document.addEventListener("input", (event) => answered.delete(event.target.form));
  document.addEventListener("htmx:finally:request", noteAnswer);
  document.addEventListener("htmx:before:swap", remember);
  document.addEventListener("htmx:before:settle", bringBack);
})();
