// The editor of a draft: parts that are changed in their place keep the focus there, what depends on the draft follows
// it, and nothing typed is left behind unasked.
(function () {
  "use strict";
  const editor = document.querySelector("[data-editor]");
  if (!editor) {
    return;
  }

  // Each form knows for itself that it was changed: saving one leaves the others as they are.
  editor.addEventListener("input", function (event) {
    const form = event.target.closest("form[data-edited-form]");
    if (form) {
      form.dataset.changed = "yes";
    }
  });
  window.addEventListener("beforeunload", function (event) {
    if (editor.querySelector("form[data-changed]")) {
      event.preventDefault();
    }
  });

  // A part that is replaced hands the focus to what replaced it; an error summary takes it by itself.
  let asking = null;
  document.addEventListener("htmx:beforeRequest", function (event) {
    const cause = event.detail.elt;
    const trigger = event.detail.requestConfig.triggeringEvent;
    // What follows by itself while somebody works elsewhere leaves the focus there.
    if (trigger && ["click", "submit"].includes(trigger.type)) {
      const part = cause.closest("[data-edited-part], .case-keep");
      asking = part ? { group: cause.closest(".edited-group, #examples") } : null;
    }
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    const part = event.target;
    if (!asking || !part.matches("[data-edited-part]") || part.querySelector(".error-summary")) {
      return;
    }
    const first = part.querySelector("form[data-edited-form] :is(input:not([type=hidden]), select, textarea), a, button");
    if (first) {
      first.focus();
    }
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const isChange = event.detail.requestConfig.verb === "post" && !("preview" in event.detail.requestConfig.parameters);
    if (!event.detail.successful || !isChange) {
      return;
    }
    // What is tried and what is held against examples is asked again under the draft as it is now.
    document.body.dispatchEvent(new Event("draft-changed"));
    // A statement that was removed leaves no place for the focus: it goes to the way to add one.
    if (document.activeElement === document.body && asking && asking.group) {
      const add = asking.group.querySelector("[data-add] a");
      if (add) {
        add.focus();
      }
    }
  });
})();
