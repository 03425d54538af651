// ? opens the help, Esc closes menus, buttons open and close their dialogs, the menu and the printer's.
(function () {
  "use strict";
  const root = document.documentElement;
  // Voice control types letters, so keys without Ctrl can be turned off. Scripts of a page ask data-single-keys too.
  root.dataset.singleKeys = /(?:^|; )single_keys=off/.test(document.cookie) ? "off" : "on";

  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }
  function closeMenus(target) {
    document.querySelectorAll("details.user-menu[open]").forEach(function (menu) {
      if (!menu.contains(target)) {
        menu.open = false;
      }
    });
  }

  document.querySelectorAll("[data-open-dialog]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      document.getElementById(button.dataset.openDialog).showModal();
    });
  });
  document.querySelectorAll("[data-close-dialog]").forEach(function (button) {
    button.addEventListener("click", function () {
      button.closest("dialog").close();
    });
  });
  document.querySelectorAll("input[data-single-keys]").forEach(function (box) {
    box.checked = root.dataset.singleKeys === "on";
    box.addEventListener("change", function () {
      root.dataset.singleKeys = box.checked ? "on" : "off";
      document.cookie = "single_keys=" + root.dataset.singleKeys + "; path=/; max-age=31536000; samesite=lax";
    });
  });
  document.querySelectorAll("[data-menu-switch]").forEach(function (button) {
    button.addEventListener("click", function () {
      const isOpen = document.getElementById("menu").classList.toggle("is-open");
      button.setAttribute("aria-expanded", isOpen);
    });
  });
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      window.print();
    });
  });

  document.addEventListener("keydown", function (event) {
    const help = document.getElementById("keys-dialog");
    const menu = event.target.closest("details.user-menu[open]");
    const isAlone = !event.ctrlKey && !event.metaKey && !event.altKey;
    const isSingle = isAlone && root.dataset.singleKeys === "on" && !isTyping(event.target);
    if (help && isSingle && event.key === "?" && !document.querySelector("dialog[open]")) {
      help.showModal();
    } else if (menu && event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", function (event) {
    closeMenus(event.target);
  });
})();
