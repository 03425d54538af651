// Forms and requests: nothing typed is lost in silence, a failed request says so, a slow one shows that it runs.
(function () {
  "use strict";
  const problem = document.getElementById("request-problem");
  const SLOW_AFTER = 300;

  // A form that was changed asks before the page is left.
  let changed = false;
  document.addEventListener("input", function (event) {
    if (event.target.closest("form[data-keep-typed]")) {
      changed = true;
    }
  });
  window.addEventListener("beforeunload", function (event) {
    if (changed) {
      event.preventDefault();
    }
  });

  // An error summary takes the focus: at once on a page, after the swap in a fragment.
  const summary = document.querySelector(".error-summary");
  if (summary) {
    summary.focus();
    document.title = "Error: " + document.title;
  }
  document.addEventListener("htmx:afterSettle", function (event) {
    const inside = event.detail.elt.querySelector && event.detail.elt.querySelector(".error-summary");
    if (inside) {
      inside.focus();
    }
  });

  // What went wrong, where it is seen: over an open dialog too, which makes the rest of the page inert.
  function tell(name) {
    const open = Array.from(document.querySelectorAll("dialog[open]")).pop();
    (open || document.body).append(problem);
    problem.querySelector("[data-problem-sign-in]").hidden = name !== "signedOut";
    problem.querySelector("[data-problem-stay]").hidden = name !== "idle";
    problem.hidden = false;
    problem.querySelector("[data-problem-words]").textContent = problem.dataset[name];
  }
  function silence() {
    problem.hidden = true;
    problem.querySelector("[data-problem-words]").textContent = "";
  }
  if (problem) {
    problem.querySelector("[data-problem-close]").addEventListener("click", silence);
    document.addEventListener("portal:problem", function (event) {
      tell(event.detail);
    });
    document.addEventListener("portal:solved", silence);
    document.addEventListener("htmx:responseError", function (event) {
      const status = event.detail.xhr.status;
      const names = { 401: "signedOut", 403: "refused", 404: "missing", 410: "missing" };
      if (!event.target.closest("[data-without-message]")) {
        tell(names[status] || "failed");
      }
    });
    ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
      document.addEventListener(name, function (event) {
        if (!event.target.closest("[data-without-message]")) {
          tell("unreachable");
        }
      });
    });
    document.addEventListener("htmx:afterOnLoad", function (event) {
      if (event.detail.successful && !problem.hidden) {
        silence();
      }
    });
  }

  // A button whose request takes longer than a moment is busy and says so.
  const waiting = new Map();
  function buttonOf(event) {
    const cause = event.detail.requestConfig.triggeringEvent;
    const button = (cause && cause.submitter) || event.detail.elt;
    return button.matches("button, a.btn") ? button : null;
  }
  document.addEventListener("htmx:beforeRequest", function (event) {
    const button = buttonOf(event);
    if (button) {
      waiting.set(
        event.detail.xhr,
        setTimeout(function () {
          button.setAttribute("aria-busy", "true");
        }, SLOW_AFTER),
      );
    }
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    const button = buttonOf(event);
    if (button) {
      clearTimeout(waiting.get(event.detail.xhr));
      waiting.delete(event.detail.xhr);
      button.removeAttribute("aria-busy");
    }
    const cause = event.detail.requestConfig.triggeringEvent;
    if (event.detail.successful && cause && cause.type === "submit" && cause.target.matches("[data-keep-typed]")) {
      changed = false;
    }
  });

  // A page that is sent is sent once: its button waits, with words.
  let sent = null;
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.target) {
      return;
    }
    changed = false;
    const button = event.submitter;
    if (!button || !problem) {
      return;
    }
    // After this turn, or the button's own name would not be sent.
    setTimeout(function () {
      sent = { button: button, words: Array.from(button.childNodes) };
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
      button.textContent = button.dataset.busyWords || problem.dataset.busyWords;
    });
  });
  // The way back from the browser's memory leads to a page whose button works again.
  window.addEventListener("pageshow", function () {
    if (sent) {
      sent.button.disabled = false;
      sent.button.removeAttribute("aria-busy");
      sent.button.replaceChildren(...sent.words);
      sent = null;
    }
  });
})();
