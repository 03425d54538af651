// How long the person stays signed in: a minute before the end the page asks, at the end it hides what it shows, and once
// they have signed in again in another tab it goes on with everything that was typed.
(function () {
  "use strict";
  const body = document.body;
  const MINUTE = 60;
  const seconds = Number(body.dataset.idleSeconds);
  // Every tab keeps the same session alive, so each tells the others.
  const tabs = new BroadcastChannel("signed-in");
  let soon;
  let over;

  function say(name) {
    document.dispatchEvent(new CustomEvent("portal:problem", { detail: name }));
  }
  function hide(isHidden) {
    body.classList.toggle("is-signed-out", isHidden);
    document.querySelector(".frame").inert = isHidden;
  }
  function begin() {
    clearTimeout(soon);
    clearTimeout(over);
    soon = setTimeout(say, (seconds - MINUTE) * 1000, "idle");
    over = setTimeout(function () {
      hide(true);
      say("signedOut");
    }, seconds * 1000);
  }
  function renew() {
    begin();
    tabs.postMessage("renewed");
  }
  // Signing in makes the tokens of an open page stale, so they are asked for anew.
  async function ask() {
    const answer = await fetch(body.dataset.tokenUrl, { headers: { "HX-Request": "true" } });
    if (!answer.ok) {
      return false;
    }
    const { person, token } = await answer.json();
    if (person !== body.dataset.person) {
      window.location.assign("/");
      return false;
    }
    body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach(function (input) {
      input.value = token;
    });
    renew();
    return true;
  }
  async function goOn() {
    if (await ask()) {
      hide(false);
      document.dispatchEvent(new CustomEvent("portal:solved"));
    }
  }

  renew();
  tabs.addEventListener("message", function () {
    if (!body.classList.contains("is-signed-out")) {
      begin();
    }
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) {
      // A page that asks by itself how far something is does not keep a person signed in who went away.
      if (!event.detail.requestConfig.headers["X-Asked-By-Itself"]) {
        renew();
      }
    } else if (event.detail.xhr.status === 401) {
      hide(true);
    } else if (event.detail.xhr.status === 403) {
      ask();
    }
  });
  ["visibilitychange", "focus"].forEach(function (name) {
    window.addEventListener(name, function () {
      if (!document.hidden && body.classList.contains("is-signed-out")) {
        goOn();
      }
    });
  });
  document.querySelector("[data-problem-stay]").addEventListener("click", goOn);
})();
