// A display that nobody touches: once the server was brought up to date, it loads itself anew.
(() => {
  "use strict";

  const edition = () => document.getElementById("board").dataset.edition;
  const loaded = edition();
  document.addEventListener("htmx:after:swap", () => edition() === loaded || location.reload());
})();
