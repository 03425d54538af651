// The matrix: a date that can be dragged, by mouse or by keys; what differs from where the drag began is marked.
(() => {
  const form = document.querySelector("form[data-matrix]");
  const place = form?.querySelector("[data-drag]");
  if (!place) return;
  const slider = place.querySelector("input");
  const told = place.querySelector("output");
  const on = form.elements.on;
  const since = form.elements.since;
  const DAY = 24 * 60 * 60 * 1000;
  const REST = 250;
  const MONTH = 30;
  let resting = 0;

  // Days are counted in UTC, where each has as many hours.
  const parsed = (text) => Date.parse(`${text}T00:00:00Z`);
  const first = parsed(slider.dataset.from);
  const written = (place) => new Date(first + place * DAY).toISOString().slice(0, 10);
  const shown = (iso) => `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)}`;

  function follow() {
    const days = Math.round((parsed(on.value) - first) / DAY);
    if (Number.isNaN(days)) return;
    slider.value = days;
    told.textContent = shown(on.value);
    slider.setAttribute("aria-valuetext", shown(on.value));
  }

  function drag() {
    const day = written(Number(slider.value));
    // A drag that goes on is compared with the day on which it began.
    if (!resting) since.value = on.value;
    on.value = day;
    told.textContent = shown(day);
    slider.setAttribute("aria-valuetext", shown(day));
    window.clearTimeout(resting);
    resting = window.setTimeout(() => {
      resting = 0;
      form.dispatchEvent(new Event("change"));
    }, REST);
  }

  slider.addEventListener("input", drag);
  // The slider has no name: what it changes is the date, and that is asked for once it rests.
  slider.addEventListener("change", (event) => event.stopPropagation());
  slider.addEventListener("keydown", (event) => {
    const step = { PageUp: MONTH, PageDown: -MONTH }[event.key];
    if (!step) return;
    event.preventDefault();
    slider.value = Number(slider.value) + step;
    drag();
  });
  on.addEventListener("change", follow);
  place.hidden = false;
  follow();
})();
