// The day sheet: Enter saves the row and goes on, Alt with an arrow moves in the column. Rules live on the server.
(() => {
  const FIELDS = "input:not([type=hidden]), select";

  const rowBeside = (row, direction) => {
    let next = row[direction];
    while (next && !next.querySelector(FIELDS)) next = next[direction];
    return next;
  };

  document.addEventListener("keydown", (event) => {
    const row = event.target.closest?.("tr[data-row]");
    if (!row || !event.target.matches(FIELDS)) return;
    if (event.key === "Enter") {
      // Left alone, Enter would press the form's first button and save the whole sheet.
      event.preventDefault();
      row.querySelector("button[name=row]")?.click();
    } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const next = rowBeside(row, event.key === "ArrowDown" ? "nextElementSibling" : "previousElementSibling");
      const column = event.target.closest("td").cellIndex;
      const field = next?.cells[column]?.querySelector(FIELDS);
      if (field) {
        event.preventDefault();
        field.focus();
      }
    }
  });

  // A row that was typed in and not saved asks before the page is left; a saved row comes back fresh.
  document.addEventListener("input", (event) => event.target.closest("tr[data-row]")?.classList.add("row-typed"));
  let isSubmitting = false;
  document.addEventListener("submit", () => (isSubmitting = true));
  window.addEventListener("beforeunload", (event) => {
    if (!isSubmitting && document.querySelector("tr.row-typed, tr.row-failed")) event.preventDefault();
  });

  // After the swap has settled, since htmx puts the focus back on what had it.
  document.addEventListener("htmx:afterSettle", (event) => {
    const { requestConfig, xhr } = event.detail;
    const button = requestConfig?.elt;
    if (button?.name !== "row" || event.target.id !== `row-${button.value}`) return;
    const row = document.getElementById(`row-${button.value}`);
    const next = xhr.status === 200 ? rowBeside(row, "nextElementSibling") : row;
    (next ?? row).querySelector(FIELDS)?.focus();
  });
})();
