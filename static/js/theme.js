// The theme is set before the page is drawn, so that a dark page never flashes white; the menu likewise starts closed
// on a narrow screen. Without script the page follows the system (tokens.css).
(function () {
  "use strict";
  const stored = document.cookie.match(/(?:^|; )theme=(light|dark)/);
  const preferred = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const root = document.documentElement;
  root.dataset.bsTheme = stored ? stored[1] : preferred;
  root.classList.add("is-scripted");
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-theme-switch]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
        root.dataset.bsTheme = next;
        document.cookie = "theme=" + next + "; path=/; max-age=31536000; samesite=lax";
      });
    });
  });
})();
