// The day sheet by keys: a key says what happened, Enter confirms and goes on, every row saves itself, every step is
// taken back. The rules live on the server, which sends each row back as it stands.
(() => {
  "use strict";
  const sheet = document.querySelector("[data-day-sheet][data-row-url]");
  if (!sheet) return;
  const root = document.documentElement;
  const table = sheet.querySelector("table");
  const keys = sheet.querySelector("[data-keys]");
  const undoButton = sheet.querySelector("[data-undo]");
  const matchedButton = sheet.querySelector("[data-matched]");
  const words = sheet.dataset;
  const NAMES = ["outcome", "missed_reason", "start", "second_start", "motion", "guidance", "review"];
  const OUTCOMES = { t: "treated", b: "twice", m: "missed", p: "partial", i: "inpatient" };
  const POLL_EVERY = 10000;
  const ACTIVE_FOR = 120000;

  // What was sent of each row and is not answered yet; rows that were typed in again meanwhile; steps to take back.
  const sent = new Map();
  const again = new Set();
  const steps = [];
  let current = null;
  let baseline = null;

  const rows = () => [...table.tBodies[0].rows].filter((row) => field(row, "outcome"));
  const rowOf = (node) => node?.closest?.("tr[data-row]");
  const rowNamed = (pk) => document.getElementById(`row-${pk}`);
  const field = (row, name) => row?.querySelector(`[name="row-${row.dataset.row}-${name}"]`);
  const value = (row, name) => field(row, name)?.value ?? "";
  const nameOf = (input) => input.name.replace(/^row-\d+-/, "");
  const fieldsOf = (row) => [...row.querySelectorAll("td > select, td > input:not([type=hidden])")].filter(isShown);
  const isShown = (input) => input.offsetParent !== null;
  const isText = (input) => input.matches("input");
  const hasRole = (row, name) => row.classList.contains(name);

  const defaultOf = (input) =>
    isText(input) ? input.defaultValue : ([...input.options].find((o) => o.defaultSelected) ?? input.options[0]).value;
  const isTyped = (row) => NAMES.some((name) => field(row, name) && value(row, name) !== defaultOf(field(row, name)));
  const isKept = (row) => isTyped(row) || hasRole(row, "row-failed") || hasRole(row, "row-typed");
  const snapshot = (row) => JSON.stringify(NAMES.map((name) => value(row, name)));

  function say(text) {
    document.getElementById("sheet-status").textContent = text;
  }

  // The cell is read as a whole until something is typed into it: then letters are text, not keys.
  const isWhole = (input) =>
    !isText(input) || (input.selectionStart === 0 && input.selectionEnd === input.value.length);

  function focusOn(input) {
    if (!input) return;
    input.focus({ preventScroll: true });
    if (isText(input)) input.select();
    rowOf(input).scrollIntoView({ block: "nearest" });
  }

  function showTyped(row) {
    row.classList.toggle("row-typed", isTyped(row));
  }

  function remember(row) {
    steps.push({ pk: row.dataset.row, values: JSON.parse(snapshot(row)) });
  }

  function set(row, name, text) {
    const input = field(row, name);
    if (!input || input.value === text) return true;
    const before = input.value;
    input.value = text;
    if (input.value !== text) {
      input.value = before;
      return false;
    }
    showTyped(row);
    return true;
  }

  function openRow(from) {
    const all = rows();
    const place = all.indexOf(from);
    const inOrder = [...all.slice(place + 1), ...all.slice(0, Math.max(place, 0))];
    return inOrder.find((row) => !hasRole(row, "row-entered") && !sent.has(row.dataset.row) && !hasRole(row, "row-conflict"));
  }

  function goOn(from) {
    const all = rows();
    const next = openRow(from) ?? all[all.indexOf(from) + 1] ?? from;
    focusOn(field(next, "outcome"));
  }

  // Saving. The focus goes on at once; the answer is put in when it comes.
  function save(row) {
    const pk = row.dataset.row;
    if (sent.has(pk)) {
      again.add(pk);
      return;
    }
    sent.set(pk, snapshot(row));
    row.classList.add("row-saving");
    htmx
      .ajax("POST", words.rowUrl, { source: row, target: row, swap: "none settle:0ms", values: { row: pk } })
      .catch(() => undefined);
  }

  function fail(row, text) {
    row.classList.remove("row-saving");
    row.classList.add("row-failed");
    let list = row.querySelector(".row-errors");
    if (!list) {
      list = document.createElement("ul");
      list.className = "row-errors";
      row.querySelector(".cell-know").prepend(list);
    }
    const item = document.createElement("li");
    item.textContent = text;
    list.replaceChildren(item);
    row.querySelector(".row-save").firstChild.textContent = words.tryAgain;
    say(text);
  }

  function missing(row) {
    const outcome = value(row, "outcome");
    if (outcome === "missed") return value(row, "missed_reason").trim() ? null : field(row, "missed_reason");
    if (!value(row, "start").trim()) return field(row, "start");
    return outcome === "twice" && !value(row, "second_start").trim() ? field(row, "second_start") : null;
  }

  function saveOrAsk(row) {
    const asked = missing(row);
    if (asked) {
      focusOn(asked);
    } else {
      goOnAfterSaving(row);
    }
  }

  function goOnAfterSaving(row) {
    save(row);
    goOn(row);
  }

  function confirmRow(row) {
    if (hasRole(row, "row-conflict")) {
      goOn(row);
      return;
    }
    if (hasRole(row, "row-entered") && !isKept(row)) {
      goOn(row);
      return;
    }
    const second = field(row, "second_start");
    const isSecondTyped = second.value.trim() && second.value !== defaultOf(second);
    const outcome = value(row, "outcome");
    if (!outcome) {
      remember(row);
      set(row, "outcome", isSecondTyped ? "twice" : row.dataset.expected);
    } else if (outcome === "treated" && isSecondTyped) {
      remember(row);
      set(row, "outcome", "twice");
    }
    saveOrAsk(row);
  }

  function choose(row, outcome) {
    remember(row);
    if (!set(row, "outcome", outcome)) {
      steps.pop();
      say(words.kept);
      return;
    }
    if (outcome === "missed") {
      focusOn(field(row, "missed_reason"));
    } else if (outcome === value(row, "outcome") && !isKept(row) && hasRole(row, "row-entered")) {
      goOn(row);
    } else {
      saveOrAsk(row);
    }
  }

  function chooseReason(row, text) {
    remember(row);
    set(row, "outcome", "missed");
    set(row, "missed_reason", text);
    saveOrAsk(row);
  }

  function toggleMotion(row) {
    const motion = field(row, "motion");
    remember(row);
    motion.value = [...motion.options].find((option) => option.value !== motion.value).value;
    showTyped(row);
    if (hasRole(row, "row-entered")) save(row);
  }

  function clearOutcome(row) {
    if (hasRole(row, "row-entered")) {
      say(words.kept);
      return;
    }
    remember(row);
    NAMES.forEach((name) => field(row, name) && set(row, name, defaultOf(field(row, name))));
    set(row, "outcome", "");
    showTyped(row);
  }

  // Taking back: what was typed and not saved here, what was saved on the server; the last one first.
  function undo() {
    const active = document.activeElement;
    if (rowOf(active) && isText(active) && baseline !== null && active.value !== baseline) {
      active.value = baseline;
      active.select();
      showTyped(rowOf(active));
      return true;
    }
    const step = steps.pop();
    if (!step || step.isSaved) return false;
    const filled = step.rows ?? [step];
    filled.forEach(({ pk, values }) => {
      const row = rowNamed(pk);
      NAMES.forEach((name, place) => set(row, name, values[place]));
      showTyped(row);
    });
    focusOn(field(rowNamed(filled[0].pk), "outcome"));
    say(words.undone);
    return true;
  }

  function saved(pk) {
    // What was typed in a row is part of its saved step; a paste keeps its other rows.
    for (let place = steps.length - 1; place >= 0; place -= 1) {
      const step = steps[place];
      if (step.rows) step.rows = step.rows.filter((row) => row.pk !== pk);
      if (step.pk === pk || step.rows?.length === 0) steps.splice(place, 1);
    }
    steps.push({ isSaved: true });
  }

  function saveTyped() {
    rows().forEach((row) => {
      if (isKept(row) && !hasRole(row, "row-conflict") && value(row, "outcome")) save(row);
    });
  }

  function keepMine(row) {
    row.classList.remove("row-conflict");
    goOnAfterSaving(row);
  }

  function takeTheirs(row) {
    row.classList.remove("row-conflict", "row-failed", "row-typed");
    NAMES.forEach((name) => {
      const input = field(row, name);
      if (input) input.value = defaultOf(input);
    });
    poll(row.dataset.row);
    goOn(row);
  }

  // Keys.
  const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

  function move(row, input, event) {
    const all = rows();
    const step = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = all[all.indexOf(row) + step];
      if (!next) return;
      const there = field(next, nameOf(input));
      focusOn(there && isShown(there) ? there : field(next, "outcome"));
    } else {
      const cells = fieldsOf(row);
      focusOn(cells[cells.indexOf(input) + step]);
    }
  }

  function mayLeave(input, key) {
    if (key === "ArrowUp" || key === "ArrowDown" || isWhole(input)) return true;
    const edge = key === "ArrowLeft" ? 0 : input.value.length;
    return input.selectionStart === edge && input.selectionEnd === edge;
  }

  function single(row, input, key) {
    const isReason = nameOf(input) === "missed_reason";
    const isDigit = /^[0-9]$/.test(key);
    if (isReason) {
      const reason = isDigit && (isWhole(input) || !input.value) && keys.querySelectorAll("[data-reason]")[key - 1];
      if (reason) chooseReason(row, reason.dataset.reason);
      return Boolean(reason);
    }
    if (!isWhole(input)) return false;
    if (isDigit) {
      if (isText(input)) return false;
      const start = field(row, "start");
      focusOn(start);
      start.value = key;
      start.setSelectionRange(1, 1);
      showTyped(row);
      return true;
    }
    const letter = key.toLowerCase();
    if (hasRole(row, "row-conflict") && (letter === "k" || letter === "l")) {
      (letter === "k" ? keepMine : takeTheirs)(row);
      return true;
    }
    if (OUTCOMES[letter]) {
      choose(row, OUTCOMES[letter]);
      return true;
    }
    if (letter === "g") {
      toggleMotion(row);
      return true;
    }
    return false;
  }

  function press(row, input, key) {
    if (key === "Enter") confirmRow(row);
    else if (key === "Delete") clearOutcome(row);
    else single(row, field(row, "outcome"), key);
  }

  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const isControl = (event.ctrlKey || event.metaKey) && !event.altKey;
    const row = rowOf(event.target);
    const isElsewhere = !row && event.target.closest("input, textarea, select");
    if (isControl && !isElsewhere && (key === "enter" || key === "z" || key === "s")) {
      event.preventDefault();
      if (key === "enter") matchedButton?.click();
      else if (key === "z") undoButton.click();
      else saveTyped();
      return;
    }
    const input = event.target;
    if (!row || !input.matches("td > select, td > input") || !isPlain(event)) return;
    let isDone = true;
    if (event.key === "Enter") {
      confirmRow(row);
    } else if (event.key.startsWith("Arrow")) {
      isDone = mayLeave(input, event.key);
      if (isDone) move(row, input, event);
    } else if (event.key === "Escape") {
      if (baseline !== null) input.value = baseline;
      showTyped(row);
    } else if (event.key === "Delete" && !isText(input)) {
      clearOutcome(row);
    } else {
      isDone = event.key.length === 1 && root.dataset.singleKeys !== "off" && single(row, input, event.key);
    }
    if (isDone) event.preventDefault();
  });

  table.addEventListener("focusin", (event) => {
    const row = rowOf(event.target);
    if (!row || !event.target.matches("td > select, td > input")) return;
    current = row.dataset.row;
    baseline = event.target.value;
    if (isText(event.target)) event.target.select();
    const isReason = nameOf(event.target) === "missed_reason";
    keys.querySelector("[data-keys-row]").textContent = `#${row.cells[0].textContent.trim()}`;
    keys.querySelector("[data-keys-outcome]").hidden = isReason;
    keys.querySelector("[data-keys-missed]").hidden = !isReason;
  });
  table.addEventListener("input", (event) => rowOf(event.target) && showTyped(rowOf(event.target)));
  table.addEventListener("change", (event) => {
    const row = rowOf(event.target);
    if (!row || baseline === null) return;
    const values = JSON.parse(snapshot(row));
    values[NAMES.indexOf(nameOf(event.target))] = baseline;
    steps.push({ pk: row.dataset.row, values });
    baseline = event.target.value;
  });
  // A row that says what happened saves itself when it is left.
  table.addEventListener("focusout", (event) => {
    const row = rowOf(event.target);
    if (!row || row.contains(event.relatedTarget) || keys.contains(event.relatedTarget)) return;
    const isReady = isTyped(row) && value(row, "outcome") && !missing(row) && !hasRole(row, "row-pasted");
    if (isReady && !hasRole(row, "row-conflict") && snapshot(row) !== sent.get(row.dataset.row)) save(row);
  });
  table.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    const button = event.target.closest("button");
    if (!row || !button) return;
    if (button.matches(".row-save")) save(row);
    else if (button.matches("[data-keep-mine]")) keepMine(row);
    else if (button.matches("[data-take-theirs]")) takeTheirs(row);
    else return;
    event.preventDefault();
  });
  keys.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const row = rowNamed(current) ?? openRow(null);
    if (!button || !row) return;
    if (button.dataset.reason) chooseReason(row, button.dataset.reason);
    else press(row, field(row, "outcome"), button.dataset.key);
  });
  undoButton.addEventListener(
    "click",
    (event) => {
      if (undo()) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true,
  );
  sheet.querySelector("[data-save-typed]").addEventListener("click", (event) => {
    event.preventDefault();
    saveTyped();
  });

  // Requests. They settle at once: a row that came back has its class before the focus looks for the next open one.
  document.addEventListener("htmx:configRequest", (event) => {
    const pk = event.target.dataset?.row;
    if (!pk || event.detail.path !== words.rowUrl) return;
    // Only the row's own fields go with it, not the sixty beside it.
    const form = event.detail.formData;
    [...form.keys()].forEach((name) => {
      if (name.startsWith("row-") && !name.startsWith(`row-${pk}-`)) form.delete(name);
    });
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 409 && sheet.contains(event.detail.requestConfig.elt ?? event.target)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  // A row that somebody works in is never taken from under their hands.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const row = event.detail.target;
    if (!row.matches?.("tr[data-row]")) return;
    const pk = row.dataset.row;
    const own = sent.get(pk);
    const isOverwritten = own === undefined ? isKept(row) : own !== snapshot(row);
    if (!isOverwritten) return;
    event.preventDefault();
    const fresh = event.detail.fragment.querySelector(`[name="row-${pk}-mark"]`);
    if (own !== undefined && fresh) {
      field(row, "mark").value = fresh.value;
      again.add(pk);
    } else {
      row.classList.add("row-stale");
      fail(row, words.stale);
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, xhr } = event.detail;
    const { elt, path } = requestConfig;
    if (path === words.rowUrl) {
      const pk = elt.dataset.row;
      const row = rowNamed(pk);
      sent.delete(pk);
      row.classList.remove("row-saving");
      if (xhr.status === 200) {
        saved(pk);
        document.getElementById("undo-below").value = "";
        progress();
        if (again.delete(pk)) save(row);
      } else if (xhr.status !== 422 && xhr.status !== 409) {
        const texts = { 401: words.signedOut, 403: words.refused, 0: words.unreachable };
        if (xhr.status === 401) document.dispatchEvent(new CustomEvent("portal:problem", { detail: "signedOut" }));
        fail(row, texts[xhr.status] ?? words.failed);
      }
      showHidden(row);
    } else if (elt === matchedButton || elt === undoButton) {
      if (elt === matchedButton && event.detail.successful) steps.push({ isSaved: true });
      progress();
      const row = rowOf(document.activeElement);
      if (!row || (elt === matchedButton && hasRole(row, "row-entered"))) goOn(elt === undoButton ? null : rows().at(-1));
    }
  });

  function showHidden(node) {
    node.querySelectorAll("[data-with-script]").forEach((part) => (part.hidden = false));
  }

  function progress() {
    sheet.querySelector("progress").value = table.querySelectorAll("tr.row-entered").length;
  }

  // The others' rows come in while somebody is here; the sheet does not keep a person signed in who went away.
  let actedAt = Date.now();
  ["keydown", "pointerdown", "focusin"].forEach((name) =>
    document.addEventListener(name, () => (actedAt = Date.now()), { passive: true }),
  );
  function poll(asked) {
    const seen = [...table.tBodies[0].rows]
      .map((row) => `${row.dataset.row}.${row.dataset.row === asked ? "-" : (field(row, "mark")?.value ?? row.dataset.mark)}`)
      .join(",");
    const source = document.getElementById("sheet-news");
    const values = { machine: sheet.elements.machine.value, date: sheet.elements.date.value, seen };
    htmx.ajax("GET", words.changesUrl, { source, target: source, swap: "none settle:0ms", values }).then(progress, () => undefined);
  }
  setInterval(() => {
    if (!document.hidden && sent.size === 0 && Date.now() - actedAt < ACTIVE_FOR) poll();
  }, POLL_EVERY);

  // Paste: a block of cells is read on the server and put into the rows, unsaved.
  table.addEventListener("paste", async (event) => {
    const input = event.target;
    const row = rowOf(input);
    const text = event.clipboardData.getData("text");
    if (!row || !/[\t\n]/.test(text.trim())) return;
    event.preventDefault();
    const body = new URLSearchParams({
      machine: sheet.elements.machine.value,
      date: sheet.elements.date.value,
      course: row.dataset.row,
      column: nameOf(input) === "missed_reason" ? "outcome" : nameOf(input),
      text,
    });
    const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
    try {
      const answer = await fetch(words.pasteUrl, { method: "POST", headers, body });
      if (!answer.ok) throw new Error(answer.status);
      fill(await answer.json());
    } catch {
      document.dispatchEvent(new CustomEvent("portal:problem", { detail: "failed" }));
    }
  });

  function fill({ fills, problems }) {
    const filled = [];
    Object.entries(fills).forEach(([pk, cells]) => {
      const row = rowNamed(pk);
      if (!field(row, "outcome")) return;
      filled.push({ pk, values: JSON.parse(snapshot(row)) });
      Object.entries(cells).forEach(([name, text]) => set(row, name, text));
      row.classList.add("row-pasted");
    });
    if (filled.length) steps.push({ rows: filled });
    const news = document.getElementById("sheet-news");
    const told = document.createElement("div");
    told.className = "notice";
    const sentence = document.createElement("p");
    sentence.textContent = words.pasted;
    const list = document.createElement("ul");
    problems.forEach((problem) => {
      const item = document.createElement("li");
      item.textContent = problem;
      list.append(item);
    });
    told.append(sentence, list);
    news.replaceChildren(told);
    say([words.pasted, ...problems].join(" "));
  }

  document.addEventListener("portal:solved", saveFailed);
  function saveFailed() {
    rows().forEach((row) => {
      if (hasRole(row, "row-failed") && !row.querySelector("[aria-invalid]") && !hasRole(row, "row-conflict") && isTyped(row)) {
        save(row);
      }
    });
  }

  let isSubmitting = false;
  document.addEventListener("submit", () => (isSubmitting = true));
  window.addEventListener("beforeunload", (event) => {
    if (!isSubmitting && (sent.size || rows().some(isKept))) event.preventDefault();
  });

  showHidden(document);
  if (!document.querySelector(".error-summary")) focusOn(field(openRow(null) ?? rows()[0], "outcome"));
})();
