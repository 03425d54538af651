// Lists of work: J and K move, X ticks, letters do what their button says, what was done puts rows in their places.
(() => {
  const ROW = "tr[data-row]";
  const panel = document.getElementById("why-panel");
  const filters = document.querySelector("form[data-filters]");
  const strip = document.querySelector("[data-place]");
  const all = document.querySelector("input[data-all]");
  const tickPage = document.querySelector("input[data-tick-page]");
  const count = document.querySelector("[data-ticked]");
  // Rows are swapped, so what is remembered of them are their ids.
  let current = null;
  let lastTicked = null;
  let acting = [];
  // Between a key and the answer, letters are the beginning of a note, not orders.
  let isAsking = false;

  const rows = () => [...document.querySelectorAll(ROW)];
  const row = (id) => (id ? document.getElementById(id) : null);
  const box = (line) => line?.querySelector(".tick input");
  const ticked = () => rows().filter((line) => box(line)?.checked);

  function go(line) {
    if (!line) return;
    current = line.id;
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  }

  function step(direction) {
    const lines = rows();
    const here = lines.indexOf(row(current));
    go(here < 0 ? lines[0] : lines[Math.min(Math.max(here + direction, 0), lines.length - 1)]);
  }

  function tell() {
    const lines = ticked();
    const number = lines.length;
    rows().forEach((line) => line.classList.toggle("is-selected", Boolean(box(line)?.checked)));
    if (tickPage) {
      tickPage.checked = number > 0 && number === rows().length;
      tickPage.indeterminate = number > 0 && !tickPage.checked;
    }
    if (!count) return;
    const { none, one, many } = count.dataset;
    if (all?.checked) count.textContent = "";
    else count.textContent = number === 0 ? none : number === 1 ? one : many.replace("COUNT", number);
  }

  function tickUpTo(line) {
    const lines = rows();
    const ends = [lines.indexOf(row(lastTicked) ?? line), lines.indexOf(line)].sort((a, b) => a - b);
    lines.slice(ends[0], ends[1] + 1).forEach((one) => {
      if (box(one)) box(one).checked = true;
    });
  }

  function tick(line, isRange) {
    if (!box(line)) return;
    if (isRange) tickUpTo(line);
    else box(line).checked = !box(line).checked;
    lastTicked = line.id;
    tell();
  }

  // A letter does what its button does: to the ticked lines, or to the one that the person is on.
  function press(button) {
    if (button.closest(".bulk-bar") && !all?.checked && ticked().length === 0) {
      if (!row(current)) {
        step(1);
        return;
      }
      tick(row(current), false);
    }
    button.click();
  }

  function buttonOf(key) {
    return [...document.querySelectorAll("button[data-key]")].find((one) => one.dataset.key.toLowerCase() === key);
  }

  function isTyping(target) {
    return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog") !== null;
  }

  function back() {
    go(row(current) ?? rows()[0]);
  }

  function onSingleKey(event) {
    const key = event.key.toLowerCase();
    const line = event.target.closest(ROW) ?? row(current);
    if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
    else if (key === "x" && line) tick(line, event.shiftKey);
    else if (key === "enter" && event.target.matches(ROW)) event.target.querySelector("a[data-line]")?.click();
    else if (key === "/" && filters) filters.querySelector("input, select").focus();
    else if (buttonOf(key) && !event.shiftKey) press(buttonOf(key));
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  // Before the frame's own keys: on a list / goes to the filters of the list.
  document.addEventListener(
    "keydown",
    (event) => {
      const preview = event.target.closest("form[data-preview]");
      if (preview && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        preview.requestSubmit();
        return;
      }
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Enter" && event.target.matches("form[data-filters] select")) {
        event.preventDefault();
        filters.requestSubmit();
        return;
      }
      if (event.key === "Escape" && panel?.contains(event.target)) {
        back();
        return;
      }
      if (isAsking || isTyping(event.target)) return;
      if (document.documentElement.dataset.singleKeys === "off" && event.key !== "Enter") return;
      onSingleKey(event);
    },
    true,
  );

  document.addEventListener("focusin", (event) => {
    const line = event.target.closest(ROW);
    if (line) current = line.id;
  });

  document.addEventListener("click", (event) => {
    const line = event.target.closest(ROW);
    if (event.target.matches(".tick input") && line) {
      if (event.shiftKey) tickUpTo(line);
      lastTicked = line.id;
      tell();
    } else if (event.target.closest(".bulk-bar button")) {
      acting = ticked().map((one) => one.id);
    } else if (event.target.closest("#why-panel a[data-close]")) {
      event.preventDefault();
      panel.replaceChildren();
      back();
    }
  });

  // What is not asked for does not stand in the address.
  filters?.addEventListener("formdata", (event) => {
    [...event.formData].forEach(([name, value]) => {
      if (value === "") event.formData.delete(name);
    });
  });

  tickPage?.addEventListener("change", () => {
    rows().forEach((line) => {
      if (box(line)) box(line).checked = tickPage.checked;
    });
    tell();
  });
  all?.addEventListener("change", tell);

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === panel) isAsking = true;
  });
  document.addEventListener("htmx:afterRequest", () => {
    isAsking = false;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== panel) return;
    const asked = event.detail.requestConfig.elt.closest(ROW);
    rows().forEach((line) => line.classList.toggle("is-chosen", line === asked));
    const isDone = panel.querySelector("[data-done]") !== null;
    const field = panel.querySelector(".error-summary, textarea, form select, a[data-first], form[data-preview] button");
    const act = panel.querySelector("[data-takes-focus] :is(input:not([type=hidden]), select, textarea)");
    if (asked) acting = [asked.id];
    // Under the list, as on a phone, the panel would change unseen.
    if (panel.getBoundingClientRect().top > window.innerHeight) panel.scrollIntoView({ block: "start" });
    if (!isDone) (asked ? act : field)?.focus();
  });

  // Rows that were swapped are there only once everything has settled; each of them tells so, and the first time counts.
  document.addEventListener("htmx:afterSettle", () => {
    const done = panel?.querySelector("[data-done]:not([data-seen])");
    if (!done) return;
    done.dataset.seen = "";
    const lines = rows();
    const last = Math.max(...acting.map((id) => lines.findIndex((line) => line.id === id)), -1);
    if (all) all.checked = false;
    lines.forEach((line) => {
      if (box(line)) box(line).checked = false;
    });
    go(lines[Math.min(last + 1, lines.length - 1)] ?? row(current));
    tell();
  });

  if (tickPage) tickPage.hidden = false;
  tell();

  // The last filters are offered when the person comes back; they name codes, days and keys, never a patient.
  if (strip?.dataset.query) {
    const secure = window.location.protocol === "https:" ? "; secure" : "";
    const kept = encodeURIComponent(strip.dataset.query);
    document.cookie = `last_${strip.dataset.place}=${kept}; path=/; max-age=2592000; samesite=lax${secure}`;
  }
})();
