"use strict";
// Everything here is a comfort: without it each link and form works by itself.
(() => {
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const $$ = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const beside = $("#beside");
  const input = $("#q");
  const motion = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";

  // Beside the answer only the note's pane scrolls; below it, on a phone, only what was clicked.
  function toCited(inside, clicked) {
    const cited = $("#cited", inside);
    if (!cited) return;
    if (inside !== beside || (clicked && beside.scrollHeight <= beside.clientHeight)) {
      cited.scrollIntoView({ block: "center", behavior: motion });
    } else {
      const top = cited.getBoundingClientRect().top - beside.getBoundingClientRect().top;
      beside.scrollTo({ top: beside.scrollTop + top - beside.clientHeight / 3, behavior: motion });
    }
  }

  async function openCitation(link) {
    const response = await fetch(link.dataset.note);
    if (!response.ok) { location.href = link.href; return; }
    beside.innerHTML = await response.text();
    $$(".excerpt").forEach((one) => one.classList.toggle("chosen", one.contains(link)));
    history.replaceState(null, "", link.href);
    toCited(beside, true);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.cite");
    if (!link || !beside || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openCitation(link);
  });

  // Citations by j and k, the question by /, the note's exact source by s.
  let at = -1;
  function step(by) {
    const links = $$("a.cite");
    if (!links.length) return;
    at = Math.max(0, Math.min(links.length - 1, at + by));
    links[at].focus();
    openCitation(links[at]);
  }

  const toggle = $("[data-source]");
  function showSource() {
    const rendered = $(".rendered"), exact = $(".exact");
    if (!toggle || !exact) return;
    const exactly = exact.hidden;
    exact.hidden = !exactly;
    rendered.hidden = exactly;
    toggle.setAttribute("aria-pressed", String(exactly));
    toCited(exactly ? exact : rendered);
  }
  if (toggle) { toggle.hidden = false; toggle.addEventListener("click", showSource); }

  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.metaKey || event.ctrlKey || event.altKey) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const keys = {
      "/": () => input ? (input.focus(), input.select()) : (location.href = "/"),
      j: () => step(1),
      k: () => step(-1),
      s: showSource,
      o: () => { const link = $(".note h2 a"); if (link) location.href = link.href; },
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  $$("[data-complete]").forEach((field) => {
    const list = $(`#${field.getAttribute("list")}`);
    field.addEventListener("input", async () => {
      const response = await fetch(`/api/complete?start=${encodeURIComponent(field.value)}`);
      if (!response.ok) return;
      const found = (await response.json())[field.dataset.complete];
      list.replaceChildren(...found.map((value) => Object.assign(document.createElement("option"), { value })));
    });
  });

  $$("[data-drop]").forEach((area) => {
    area.addEventListener("dragover", (event) => event.preventDefault());
    area.addEventListener("drop", async (event) => {
      const [file] = event.dataTransfer.files;
      if (!file) return;
      event.preventDefault();
      area.value = await file.text();
    });
  });

  if (beside || location.hash === "#cited") toCited(beside || document);
})();
