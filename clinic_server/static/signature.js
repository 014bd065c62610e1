// The signature field: a pad to write on; image and strokes go into the form's hidden fields.
(() => {
  "use strict";

  function install(field) {
    const canvas = field.querySelector("canvas");
    const image = field.querySelector("[data-signature-image]");
    const strokes = field.querySelector("[data-signature-strokes]");
    const pad = new SignaturePad(canvas, { penColor: "#10202a", backgroundColor: "#ffffff", minWidth: 1, maxWidth: 3 });

    // The canvas has as many dots as the screen shows; what was written survives a turned tablet.
    function fit() {
      const written = pad.toData();
      const ratio = Math.max(devicePixelRatio, 1);
      canvas.width = canvas.offsetWidth * ratio;
      canvas.height = canvas.offsetHeight * ratio;
      canvas.getContext("2d").scale(ratio, ratio);
      pad.clear();
      if (written.length) pad.fromData(written);
    }

    function keep() {
      image.value = pad.isEmpty() ? "" : canvas.toDataURL("image/png");
      strokes.value = pad.isEmpty() ? "" : JSON.stringify(pad.toData().map((stroke) => stroke.points));
    }

    pad.addEventListener("endStroke", keep);
    field.querySelector("[data-signature-clear]").addEventListener("click", () => {
      pad.clear();
      keep();
    });
    addEventListener("resize", fit);
    field.closest("details")?.addEventListener("toggle", fit); // in a closed fold it has no size
    fit();
  }

  document.querySelectorAll("[data-signature]").forEach(install);
})();
