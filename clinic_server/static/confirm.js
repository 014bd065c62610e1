// Confirmations by Space: each one confirmed moves on to the next that is open, and the last to the button.
(() => {
  "use strict";

  document.addEventListener("change", (event) => {
    const list = event.target.closest("[data-confirmations]");
    if (!list || !event.target.checked) return;
    const open = [...list.querySelectorAll('input[type="checkbox"]:not(:checked)')];
    const following = Node.DOCUMENT_POSITION_FOLLOWING;
    const next = open.find((one) => event.target.compareDocumentPosition(one) & following) ?? open[0];
    (next ?? list.form.querySelector("button")).focus();
  });
})();
