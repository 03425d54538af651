// The course: one tab stop in the calendar, arrows from session to session, N to what needs work, Enter for the reason.
(() => {
  const root = document.documentElement;
  const STOP = "[data-stop]";
  const calendar = document.querySelector("[data-calendar]");
  const panel = document.getElementById("why-panel");
  const stops = () => [...document.querySelectorAll(`[data-cell] ${STOP}`)];
  let opened = null;

  root.classList.add("has-course-keys");
  if (calendar && stops().length) {
    // The session that has the focus is the calendar's only tab stop; what stands beside its line is reached by mouse
    // here, and by keys in the panel and the table.
    calendar.removeAttribute("tabindex");
    calendar.querySelectorAll("[data-stop], [data-beside]").forEach((element) => { element.tabIndex = -1; });
    stops()[0].tabIndex = 0;
    calendar.addEventListener("focusin", (event) => {
      const stop = event.target.closest(STOP);
      if (!stop) return;
      calendar.querySelectorAll(`${STOP}[tabindex="0"]`).forEach((other) => { other.tabIndex = -1; });
      stop.tabIndex = 0;
    });
  }

  const go = (stop) => {
    stop.focus();
    stop.closest("[data-cell]").scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const cellOf = (element) => element.closest?.("[data-cell]");

  const beside = (stop, step) => stops()[stops().indexOf(stop) + step];

  const inOtherWeek = (stop, direction) => {
    const column = stop.closest("td").cellIndex;
    let row = stop.closest("tr")[direction];
    while (row) {
      const found = row.cells[column]?.querySelector(STOP);
      if (found) return found;
      row = row[direction];
    }
    return undefined;
  };

  const ends = (stop, isLast, isOfCourse) => {
    const of = isOfCourse ? stops() : [...stop.closest("tr").querySelectorAll(STOP)];
    return of.at(isLast ? -1 : 0);
  };

  const neighbours = {
    ArrowLeft: (stop) => beside(stop, -1),
    ArrowRight: (stop) => beside(stop, 1),
    ArrowUp: (stop) => inOtherWeek(stop, "previousElementSibling"),
    ArrowDown: (stop) => inOtherWeek(stop, "nextElementSibling"),
    Home: (stop, event) => ends(stop, false, event.ctrlKey),
    End: (stop, event) => ends(stop, true, event.ctrlKey),
  };

  // From the session that has the focus, was opened last, or is the tab stop, to the next that needs work and around.
  const goToProblem = (step) => {
    const all = stops();
    const here = document.activeElement.closest("[data-cell]") ?? (opened && cellOf(opened));
    const from = here ? all.indexOf(here.querySelector(STOP)) : step > 0 ? -1 : all.length;
    const order = all.map((_, place) => all[(from + step * (place + 1) + all.length * 2) % all.length]);
    const next = order.find((stop) => "problem" in cellOf(stop).dataset);
    if (next) go(next);
  };

  document.querySelector("[data-next-problem]")?.addEventListener("click", (event) => {
    event.preventDefault();
    goToProblem(1);
  });

  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const stop = event.target.closest?.(`[data-calendar] ${STOP}`);
    const next = stop && !event.shiftKey && neighbours[event.key]?.(stop, event);
    if (next) {
      event.preventDefault();
      go(next);
    } else if (event.key === "Escape" && opened?.isConnected && panel.contains(event.target)) {
      go(opened);
    } else if (!event.ctrlKey && root.dataset.singleKeys !== "off" && !isTyping(event.target)) {
      const button = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
      if (!button) return;
      event.preventDefault();
      if ("nextProblem" in button.dataset) goToProblem(event.shiftKey ? -1 : 1);
      else if (!event.shiftKey) button.click();
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== panel) return;
    const link = event.detail.requestConfig.elt;
    if (!("why" in link.dataset)) return;
    document.querySelector(".is-chosen")?.classList.remove("is-chosen");
    opened = link;
    cellOf(link).classList.add("is-chosen");
    panel.scrollTop = 0;
    // A click that a key made counts no presses of a mouse button: then the reader goes along.
    if (event.detail.requestConfig.triggeringEvent?.detail === 0) panel.focus();
    // Under the calendar, as on a phone, the panel would change unseen.
    if (panel.getBoundingClientRect().top > window.innerHeight) panel.scrollIntoView({ block: "start" });
  });
})();
