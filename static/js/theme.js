// The theme is set before the page is drawn, so that a dark page never flashes white.
(function () {
  "use strict";
  const stored = document.cookie.match(/(?:^|; )theme=(light|dark)/);
  const preferred = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.bsTheme = stored ? stored[1] : preferred;
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-theme-switch]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", function () {
        const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
        document.documentElement.dataset.bsTheme = next;
        document.cookie = "theme=" + next + "; path=/; max-age=31536000; samesite=lax";
      });
    });
  });
})();
