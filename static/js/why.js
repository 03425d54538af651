// The reason of a line beside its list: W opens it from anywhere in the line's row, arrows go from step to step, Esc
// closes it and goes back to where the reader was; its link is copied, and it is printed alone.
(() => {
  const root = document.documentElement;
  const panel = document.getElementById("why-panel");
  const hint = panel?.innerHTML;
  const LINK = 'a[hx-get$="/why/"]';
  const ROW = "[data-row], [data-cell], .session-line, tr, li";
  const STOP = "[data-why-stop]";
  const TYPING = "input:not([type=checkbox], [type=radio]), textarea, [contenteditable], select:not(tr select)";
  let opened = null;
  let reader = null;

  const isShown = () => panel?.querySelector("[data-why-shown]") != null;

  // Where the reader is in no row, the first line of the page.
  function linkFor(target) {
    const links = [...document.querySelectorAll(LINK)].filter((link) => !panel?.contains(link));
    const row = target.closest(ROW);
    return links.find((link) => link === target) ?? links.find((link) => row?.contains(link)) ?? links[0];
  }

  function close() {
    panel.innerHTML = hint;
    document.querySelector(".is-chosen")?.classList.remove("is-chosen");
    const rowOfReader = reader?.id ? document.getElementById(reader.id) : null;
    const place = [reader, rowOfReader, opened].find((element) => element?.isConnected && element !== document.body);
    place?.focus();
    place?.scrollIntoView({ block: "nearest" });
  }

  function goBeside(step) {
    const stops = [...panel.querySelectorAll(STOP)];
    const here = stops.indexOf(document.activeElement.closest(STOP));
    const next = stops[here < 0 && step < 0 ? -1 : here + step];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
    return next !== undefined;
  }

  function onKey(event) {
    const isInside = panel?.contains(event.target) && isShown();
    if (isInside && event.key === "Escape") close();
    else if (isInside && event.key === "ArrowDown") return goBeside(1);
    else if (isInside && event.key === "ArrowUp") return goBeside(-1);
    else if (panel && !panel.contains(event.target) && event.key.toLowerCase() === "w" && root.dataset.singleKeys !== "off") {
      const link = event.target.closest(TYPING) ? undefined : linkFor(event.target);
      link?.click();
      return link !== undefined;
    } else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (onKey(event)) event.preventDefault();
  });

  function offer(part) {
    part.querySelectorAll("[data-why-close], [data-why-print]").forEach((button) => { button.hidden = false; });
    if (!navigator.clipboard) return;
    part.querySelectorAll("[data-copy-link]").forEach((button) => { button.hidden = false; });
  }

  async function copyLink(button) {
    const address = new URL(button.dataset.copyLink, window.location.href);
    // On the page of a line the step that the reader stands at goes along.
    if (address.pathname === window.location.pathname) address.hash = window.location.hash;
    await navigator.clipboard.writeText(address.href);
    button.textContent = button.dataset.copied;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy-link], [data-why-close], [data-why-print]");
    if (!button) return;
    if ("copyLink" in button.dataset) copyLink(button);
    else if ("whyClose" in button.dataset) close();
    else {
      root.dataset.prints = "why";
      window.print();
    }
  });
  window.addEventListener("afterprint", () => { delete root.dataset.prints; });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { target, elt } = event.detail;
    if (!panel || target !== panel || !elt.matches(LINK) || panel.contains(elt)) return;
    opened = elt;
    reader = document.activeElement;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!panel || event.detail.target !== panel || !isShown()) return;
    offer(panel);
    panel.scrollTop = 0;
    panel.focus({ preventScroll: true });
    // Under the list, as on a phone, the panel would change unseen.
    if (panel.getBoundingClientRect().top > window.innerHeight / 2) panel.scrollIntoView({ block: "start" });
  });

  offer(document);
})();
