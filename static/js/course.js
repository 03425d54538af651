// The fraction calendar: arrow keys move between charge lines; a line that was chosen shows its reason in the panel.
(() => {
  const LINE = "a[data-line]";
  let chosen = null;

  const beside = (link, step) => {
    const links = [...document.querySelectorAll(`.fraction-calendar ${LINE}`)];
    return links[links.indexOf(link) + step];
  };

  const inOtherWeek = (link, direction) => {
    const column = link.closest("td").cellIndex;
    let row = link.closest("tr")[direction];
    while (row) {
      const found = row.cells[column]?.querySelector(LINE);
      if (found) return found;
      row = row[direction];
    }
    return undefined;
  };

  const neighbours = {
    ArrowLeft: (link) => beside(link, -1),
    ArrowRight: (link) => beside(link, 1),
    ArrowUp: (link) => inOtherWeek(link, "previousElementSibling"),
    ArrowDown: (link) => inOtherWeek(link, "nextElementSibling"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const line = event.target.closest?.(`.fraction-calendar ${LINE}`);
    const next = line && neighbours[event.key]?.(line);
    if (next) {
      event.preventDefault();
      next.focus();
    } else if (event.key === "Escape" && chosen && event.target.closest?.("#why-panel")) {
      chosen.focus();
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "why-panel") return;
    document.querySelector(".is-chosen")?.classList.remove("is-chosen");
    chosen = event.detail.requestConfig.elt;
    chosen.closest(".calendar-cell, tr")?.classList.add("is-chosen");
    const panel = event.detail.target.getBoundingClientRect();
    // Under the calendar, as on a phone, the panel would change unseen.
    if (panel.top > window.innerHeight) event.detail.target.scrollIntoView({ block: "start" });
  });
})();
