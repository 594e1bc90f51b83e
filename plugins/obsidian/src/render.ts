/** An answer as elements. Whatever came from the server becomes text nodes and nothing else. */

import type { Answer, Citation, Place, Statement } from "./documents";

export type Open = (place: Place, event: MouseEvent) => void;

/** The confidence from which an answer with a reserve is called probable, as on the command line. */
const PROBABLE_FROM = 0.25;

/** Add an answer to an element. */
export function showAnswer(into: HTMLElement, answer: Answer, open: Open): void {
  const said = trust(answer);
  if (said) into.createEl("p", { cls: "ragqa-verdict" }).createEl("strong", { text: shown(said) });
  const corrected = answer.corrected.map(({ from, to }) => `${to} instead of ${from}`);
  if (corrected.length > 0) notice(into, `Looked for ${corrected.join(", and ")}.`);
  for (const one of answer.citations) excerpt(into, one, open);
  for (const sides of answer.disagreements) disagreement(into, sides, open);
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
function lacks({ noNoteHas, elsewhere, notThere }: Answer): string {
  const facts = elsewhere.map(({ words, place }) => `${words} is in ${place}`);
  if (noNoteHas.length > 0) facts.unshift(`no note has: ${noNoteHas.join(", ")}`);
  if (notThere) facts.push(`no ${notThere} there`);
  return facts.join("; ");
}

/** Add a line about an answer, or in place of one. */
export function notice(into: HTMLElement, said: string): void {
  into.createEl("p", { cls: "ragqa-notice", text: shown(said) });
}

function excerpt(into: HTMLElement, one: Citation, open: Open): HTMLElement {
  const article = into.createEl("article", { cls: "ragqa-excerpt" });
  link(article, one, open);
  const dated = one.date && `${one.date}${one.old ? " (old)" : ""}`;
  article.createEl("div", { cls: "ragqa-about", text: joined(trail(one), dated) });
  if (one.context) article.createEl("div", { cls: "ragqa-about", text: shown(one.context) });
  article.createEl("blockquote", { text: shown(one.text) });
  return article;
}

function disagreement(into: HTMLElement, sides: Statement[], open: Open): void {
  const group = into.createDiv({ cls: "ragqa-disagreement" });
  group.createEl("h4", { text: "Your notes disagree:" });
  for (const side of sides) {
    excerpt(group, side, open).prepend(createEl("strong", { text: shown(side.says) }));
  }
}

function nearest(into: HTMLElement, answer: Answer, open: Open): void {
  const details = into.createEl("details");
  details.open = answer.citations.length === 0;
  details.createEl("summary", { text: "Nearest passages" });
  const items = details.createEl("ol");
  for (const one of answer.passages) {
    const item = items.createEl("li");
    link(item, one, open);
    item.createEl("div", { cls: "ragqa-about", text: trail(one) });
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
