// Filling a pattern: one sentence of the preview is read out, Ctrl Enter saves, and saving shows that it is under way.
(() => {
  const form = document.querySelector("form[data-pattern]");
  const button = form.querySelector("button[type=submit].btn-primary");
  const label = button.innerHTML;
  const status = document.getElementById("pattern-status");

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "pattern-preview") return;
    status.textContent = event.detail.target.querySelector(".pattern-sentence")?.textContent.trim() ?? "";
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.contains(event.target)) {
      event.preventDefault();
      form.requestSubmit(button);
    }
  });

  form.addEventListener("submit", () => {
    const count = document.querySelector("[data-fractions]")?.dataset.fractions;
    const told = count ? button.dataset.saving.replace("%(count)s", count) : button.dataset.savingAll;
    button.textContent = told;
    button.disabled = true;
    status.textContent = told;
  });

  // A page that comes back from the browser's memory can be saved again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    button.innerHTML = label;
    button.disabled = false;
  });
})();
