// The command bar: Ctrl K or / opens it, what is typed is posted, arrows choose, Enter opens.
(function () {
  "use strict";
  const root = document.documentElement;
  const bar = document.getElementById("command-bar");
  if (!bar) {
    return;
  }
  const field = bar.querySelector("[data-command-field]");
  const results = document.getElementById("command-results");
  const count = bar.querySelector("[data-command-count]");
  let active = -1;
  // What the options on show answer; null while nothing was answered.
  let answered = null;
  let opensWhenAnswered = false;

  function options() {
    return Array.from(results.querySelectorAll("[role=option]"));
  }
  function choose(place) {
    const all = options();
    active = all.length ? (place + all.length) % all.length : -1;
    all.forEach(function (option, index) {
      option.setAttribute("aria-selected", index === active);
    });
    field.setAttribute("aria-expanded", all.length > 0);
    if (active < 0) {
      field.removeAttribute("aria-activedescendant");
      return;
    }
    field.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  }
  function open() {
    document.querySelectorAll("dialog[open]").forEach(function (dialog) {
      dialog.close();
    });
    bar.showModal();
    field.focus();
    htmx.trigger(field, "opened");
  }
  function act(option) {
    const name = option.dataset.act;
    bar.close();
    document.querySelector(name === "theme" ? "[data-theme-switch]" : "[data-open-dialog='keys-dialog']").click();
  }
  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  document.querySelectorAll("[data-command-open]").forEach(function (button) {
    button.addEventListener("click", open);
  });
  // No name of a patient stays behind in a closed bar.
  bar.addEventListener("close", function () {
    // Where nothing had the focus before, the hidden field would keep it, and with it every key.
    field.blur();
    field.value = "";
    results.replaceChildren();
    count.textContent = "";
    answered = null;
    opensWhenAnswered = false;
    choose(0);
  });
  bar.addEventListener("click", function (event) {
    const option = event.target.closest("[data-act]");
    if (event.target === bar) {
      bar.close();
    } else if (option) {
      event.preventDefault();
      act(option);
    }
  });
  field.addEventListener("input", function () {
    opensWhenAnswered = false;
  });
  field.addEventListener("keydown", function (event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && field.value !== answered) {
      // Typed faster than it is answered: the best hit opens as soon as it is known.
      event.preventDefault();
      opensWhenAnswered = true;
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      options()[active].click();
    }
  });
  results.addEventListener("htmx:beforeSwap", function (event) {
    event.detail.shouldSwap = event.detail.shouldSwap && bar.open;
  });
  results.addEventListener("htmx:afterSettle", function (event) {
    if (!bar.open) {
      return;
    }
    answered = event.detail.requestConfig.parameters.q;
    choose(0);
    count.textContent = results.querySelector("[data-command-words]").textContent.trim();
    if (opensWhenAnswered && active >= 0 && field.value === answered) {
      options()[active].click();
    }
  });

  document.addEventListener("keydown", function (event) {
    const hasCtrl = event.ctrlKey || event.metaKey;
    const isAlone = !hasCtrl && !event.altKey && root.dataset.singleKeys === "on" && !isTyping(event.target);
    if ((hasCtrl && !event.shiftKey && event.key.toLowerCase() === "k") || (isAlone && event.key === "/")) {
      event.preventDefault();
      if (!bar.open) {
        open();
      }
    }
  });
})();
