/** The pane: a question, its answer, and the way from a citation to the note. */

import { ItemView, Keymap, type WorkspaceLeaf } from "obsidian";
import { ask, NoAnswer, type Server } from "./api";
import type { Answer } from "./documents";
import { openPlace } from "./opening";
import { notice, showAnswer } from "./render";

export const VIEW = "ragqa-answer";

/** What the pane needs to know, asked for anew with every question. */
export interface Source {
  server(): Server;
  folder(): string;
}

export class AnswerView extends ItemView {
  private question = createEl("input", { type: "search", attr: { required: true } });
  private result = createDiv({ cls: "ragqa-answer", attr: { "aria-live": "polite" } });
  /** Grows with every question, so that a late answer to an earlier one is known and dropped. */
  private turn = 0;

  constructor(
    leaf: WorkspaceLeaf,
    private readonly source: Source,
  ) {
    super(leaf);
  }

  override getViewType(): string {
    return VIEW;
  }

  override getDisplayText(): string {
    return "Ask your notes";
  }

  override getIcon(): string {
    return "message-circle-question";
  }

  override async onOpen(): Promise<void> {
    const form = this.contentEl.createEl("form", { cls: "ragqa-ask", attr: { role: "search" } });
    const label = form.createEl("label", { text: "Your question" });
    label.append(this.question);
    form.createEl("button", { text: "Ask", cls: "mod-cta", attr: { type: "submit" } });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.ask(this.question.value);
    });
    this.contentEl.append(this.result);
  }

  override async onClose(): Promise<void> {
    this.turn += 1;
  }

  focus(): void {
    this.question.focus();
    this.question.select();
  }

  /** Ask a question and show what comes, until another is asked or the pane is closed. */
  async ask(question: string): Promise<void> {
    this.turn += 1;
    const turn = this.turn;
    this.question.value = question;
    this.say("Asking…");
    this.result.setAttribute("aria-busy", "true");
    let outcome = await this.answerTo(question);
    while (outcome instanceof NoAnswer && outcome.againInS > 0 && turn === this.turn) {
      this.say(`${outcome.message} The question is asked again by itself.`);
      await sleep(1000 * outcome.againInS);
      if (turn === this.turn) outcome = await this.answerTo(question);
    }
    if (turn !== this.turn) return;
    this.result.removeAttribute("aria-busy");
    if (outcome instanceof NoAnswer) this.say(outcome.message);
    else this.show(outcome);
  }

  private async answerTo(question: string): Promise<Answer | NoAnswer> {
    try {
      return await ask(this.source.server(), question);
    } catch (error) {
      if (error instanceof NoAnswer) return error;
      throw error;
    }
  }

  private show(answer: Answer): void {
    this.result.empty();
    showAnswer(this.result, answer, (place, event) => {
      void openPlace(this.app, this.source.folder(), place, Keymap.isModEvent(event));
    });
  }

  private say(sentence: string): void {
    if (this.result.textContent === sentence) return; // A screen reader would say it again.
    this.result.empty();
    notice(this.result, sentence);
  }
}
