"use strict";
// Everything here is a comfort: without it each link and form works by itself.
(() => {
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const $$ = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const beside = $("#beside");
  const input = $("#q");
  document.documentElement.classList.add("script");
  const motion = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";

  // Beside the answer only the note's pane scrolls; below it, on a phone, only what was clicked.
  function toCited(inside, clicked) {
    const cited = $("mark:not(.own), tr.cited", inside);
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
    if (exactly) showSource();
    $$(".excerpt").forEach((one) => one.classList.toggle("chosen", one.contains(link)));
    history.replaceState(null, "", link.href);
    toCited(beside, true);
  }

  let at = -1;
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-source]")) return switchSource();
    const copy = event.target.closest("[data-copy]");
    if (copy) return copyAnswer(copy);
    const link = event.target.closest("a.cite");
    if (!link || !beside || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    at = $$("a.cite").indexOf(link);
    openCitation(link);
  });

  async function copyAnswer(button) {
    const response = await fetch(button.dataset.copy);
    if (!response.ok) return;
    await navigator.clipboard.writeText(await response.text());
    button.textContent = "Copied";
  }

  // Citations by j and k, the question by /, the note's exact source by s, all keys by ?.
  function step(by) {
    const links = $$("a.cite");
    if (!links.length) return;
    at = Math.max(0, Math.min(links.length - 1, at + by));
    links[at].focus();
    openCitation(links[at]);
  }

  let exactly = false;
  function showSource() {
    const toggle = $("[data-source]"), exact = $(".exact");
    if (!toggle) return;
    exact.hidden = !exactly;
    $(".rendered").hidden = exactly;
    toggle.setAttribute("aria-pressed", String(exactly));
    if (beside) toCited(beside);
  }
  function switchSource() { exactly = !exactly; showSource(); }

  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.metaKey || event.ctrlKey || event.altKey) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const keys = {
      "/": () => input ? (input.focus(), input.select()) : (location.href = "/"),
      j: () => step(1),
      k: () => step(-1),
      s: switchSource,
      "?": () => $(".help").showModal(),
      o: () => { const link = $(".note h2 a"); if (link) location.href = link.href; },
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  // A filter that was typed or chosen becomes one of several.
  function choose(field) {
    const value = field.value.trim();
    if (!value) return;
    const box = Object.assign(document.createElement("input"),
      { type: "checkbox", name: field.name, value, checked: true });
    const chip = Object.assign(document.createElement("label"), { className: "chip" });
    chip.append(box, ` ${value}`);
    field.closest(".filter").insertBefore(chip, field.closest("label"));
    field.value = "";
  }

  $$("[data-several]").forEach((field) => field.addEventListener("change", () => choose(field)));

  // While the index is being built, the page says how far it is; what is typed meanwhile stays.
  const building = $("[data-building]");
  async function follow() {
    const response = await fetch("/api/status");
    const said = await response.json();
    if (response.ok && !input?.value) return location.reload();
    building.textContent = response.ok ? said.server.state : `${said.error}.`;
    if (response.ok) return;
    setTimeout(follow, 2000);
  }
  if (building) follow();

  // A note that is open is read again once its file has changed.
  setInterval(async () => {
    const link = $(".note h2 a");
    if (!link || document.hidden) return;
    const address = new URL(link.href);
    address.searchParams.set("fragment", "1");
    const response = await fetch(address);
    if (!response.ok || !link.isConnected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const note = $(".note", page), shown = link.closest(".note");
    if (note.dataset.version === shown.dataset.version) return;
    shown.replaceWith(note);
    if (exactly) showSource();
  }, 3000);

  // An LLM's answer: each sentence as text once it is checked, then all of it with its sources.
  const writing = $("[data-stream]");
  if (writing) {
    const events = new EventSource(writing.dataset.stream);
    const say = (text) => { $("[data-writing]", writing).textContent = text; };
    writing.hidden = false;
    events.addEventListener("sentence", (event) => {
      const { text, mark } = JSON.parse(event.data);
      const sentence = document.createElement("span");
      sentence.append(text);
      if (mark) {
        const marked = Object.assign(document.createElement("em"), { className: "mark", textContent: mark });
        sentence.append(" ", marked);
      }
      $(".written", writing).append(sentence);
    });
    events.addEventListener("answer", (event) => {
      events.close();
      $("#answer").innerHTML = JSON.parse(event.data).html;
      at = -1;
    });
    events.addEventListener("error", (event) => {
      // A second try would ask the LLM again.
      events.close();
      const { error, hint } = event.data ? JSON.parse(event.data) : { error: "the server is gone" };
      say(hint ? `${error}. Try: ${hint}` : `${error}.`);
    });
  }

  if (beside || location.hash === "#cited") toCited(beside || document);
})();
