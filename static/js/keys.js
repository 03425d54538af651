// Ctrl K or / goes to the search field, ? opens the help, buttons open their dialogs.
(function () {
  "use strict";
  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }
  document.querySelectorAll("[data-open-dialog]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      document.getElementById(button.dataset.openDialog).showModal();
    });
  });
  document.addEventListener("keydown", function (event) {
    const search = document.querySelector("[data-search-field]");
    const wantsSearch = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    if (search && (wantsSearch || (event.key === "/" && !isTyping(event.target)))) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "?" && !isTyping(event.target)) {
      const help = document.getElementById("keys-dialog");
      if (help && !help.open) {
        help.showModal();
      }
    }
  });
  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.user-menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    });
  });
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      window.print();
    });
  });
})();
