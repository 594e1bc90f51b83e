/** An answer as elements. Whatever came from the server becomes text nodes and nothing else. */

import type { Answer, Citation, Place, Span } from "./documents";

export type Open = (place: Place, event: MouseEvent) => void;

/** The confidence from which an answer with a reserve is called probable, as on the command line. */
const PROBABLE_FROM = 0.25;

/** The characters that are shown of a folded excerpt. */
const SUMMARY = 100;

/** Add an answer to an element. */
export function showAnswer(into: HTMLElement, answer: Answer, open: Open): void {
  const said = trust(answer);
  if (said) into.createEl("p", { cls: "ragqa-verdict" }).createEl("strong", { text: shown(said) });
  const corrected = answer.corrected.map(({ from, to }) => `${to} instead of ${from}`);
  if (corrected.length > 0) notice(into, `Looked for ${corrected.join(", and ")}.`);
  for (const one of answer.citations) excerpt(into, one, open, answer.passages);
  if (answer.earlier.length > 0) history(into, answer, open);
  if (answer.also.length > 0) further(into, answer, open);
  for (const one of answer.warnings) notice(into, one);
  if (answer.passages.length > 0) nearest(into, answer, open);
}

/** How far an answer is to be trusted, and what it lacks; "" without reserve. */
function trust(answer: Answer): string {
  const { verdict, confidence } = answer;
  const said = lacks(answer);
  const aside = said ? ` (${said})` : "";
  if (verdict === "answered") return "";
  if (verdict === "not in notes") return `Your notes do not seem to answer this${aside}.`;
  return `${confidence >= PROBABLE_FROM ? "Probably" : "Not sure; nearest"}${aside}:`;
}

/** What an answer lacks, in the words of the command line. */
function lacks({ noNoteHas }: Answer): string {
  return noNoteHas.length > 0 ? `no note has: ${noNoteHas.join(", ")}` : "";
}

/** Add a line about an answer, or in place of one. */
export function notice(into: HTMLElement, said: string): void {
  into.createEl("p", { cls: "ragqa-notice", text: shown(said) });
}

/** Add an excerpt and, muted, what is shown around it of one of the passages. */
function excerpt(
  into: HTMLElement,
  one: Citation,
  open: Open,
  passages: Place[] = [],
): HTMLElement {
  const article = into.createEl("article", { cls: "ragqa-excerpt" });
  link(article, one, open);
  const dated = one.date && `${one.ofFile ? "file of " : ""}${one.date}${one.old ? " (old)" : ""}`;
  article.createEl("div", { cls: "ragqa-about", text: joined(trail(one), dated) });
  if (one.context) article.createEl("div", { cls: "ragqa-about", text: shown(one.context) });
  const quote = article.createEl("blockquote");
  const [first, last] = one.around ?? one.chars;
  beside(quote, one.path, [first, one.chars[0]], passages);
  quote.createEl("span", { text: shown(one.text) });
  beside(quote, one.path, [one.chars[1], last], passages);
  return article;
}

function beside(into: HTMLElement, path: string, [from, to]: Span, passages: Place[]): void {
  const within = passages.find(
    ({ path: own, chars }) => own === path && chars[0] <= from && to <= chars[1],
  );
  if (!within || from >= to) return;
  const start = within.chars[0];
  const text = [...within.text].slice(from - start, to - start).join("");
  into.createEl("span", { cls: "ragqa-beside", text: shown(text) });
}

/** Add the further excerpts: folded, or whole below an answer with a reserve. */
function further(into: HTMLElement, { also, verdict }: Answer, open: Open): void {
  into.createEl("h4", { text: "Further excerpts" });
  for (const one of also) {
    const article = excerpt(into, one, open);
    if (verdict !== "answered") continue;
    const details = createEl("details");
    details.createEl("summary", { text: shown(one.text.slice(0, SUMMARY)) });
    details.append(article.querySelector("blockquote") ?? "");
    article.append(details);
  }
}

/** Add the statements of other dates on the subject, in the order in which they are told. */
function history(into: HTMLElement, { citations, earlier }: Answer, open: Open): void {
  const own = citations[0]?.date ?? "";
  const later = earlier.filter((one) => own < one.date).length;
  const some = later ? "Earlier and later" : "Earlier";
  into.createEl("h4", { text: later === earlier.length ? "Later" : some });
  for (const one of earlier) excerpt(into, one, open);
}

function nearest(into: HTMLElement, answer: Answer, open: Open): void {
  const details = into.createEl("details");
  details.open = answer.citations.length === 0;
  details.createEl("summary", { text: "Nearest passages" });
  const items = details.createEl("ol");
  for (const one of answer.passages) {
    const item = items.createEl("li");
    link(item, one, open);
    item.createEl("div", { cls: "ragqa-about", text: joined(trail(one), one.date) });
  }
}

function link(into: HTMLElement, place: Place, open: Open): void {
  const [first, last] = place.lines;
  const lines = first === last ? `${first}` : `${first}–${last}`;
  const button = into.createEl("button", {
    cls: "ragqa-place",
    text: shown(`${place.path}:${lines}`),
    attr: { type: "button" },
  });
  button.addEventListener("click", (event) => open(place, event));
}

function trail(place: Place): string {
  return shown(place.heading.join(" › "));
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).map(shown).join(" · ");
}

/** The text without what could hide or reorder it: control characters and bidi overrides. */
function shown(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u206f]/gu, "\ufffd");
}
