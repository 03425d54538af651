// A form that was changed asks before the page is left; an error summary takes the focus.
(function () {
  "use strict";
  let changed = false;
  document.querySelectorAll("form[data-keep-typed]").forEach(function (form) {
    form.addEventListener("input", function () {
      changed = true;
    });
    form.addEventListener("submit", function () {
      changed = false;
    });
  });
  window.addEventListener("beforeunload", function (event) {
    if (changed) {
      event.preventDefault();
    }
  });
  const summary = document.querySelector(".error-summary");
  if (summary) {
    summary.focus();
    document.title = "Error: " + document.title;
  }
})();
