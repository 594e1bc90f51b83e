/** The plug-in: its pane, its commands and its settings. */

import { Plugin } from "obsidian";
import type { Server } from "./api";
import { DEFAULTS, readToken, type Settings, SettingsPage } from "./settings";
import { AnswerView, type Source, VIEW } from "./view";

export default class RagqaPlugin extends Plugin implements Source {
  override settings: Settings = DEFAULTS;

  override async onload(): Promise<void> {
    this.settings = { ...DEFAULTS, ...(await this.loadData()) };
    this.addSettingTab(new SettingsPage(this));
    this.registerView(VIEW, (leaf) => new AnswerView(leaf, this));
    this.addRibbonIcon("message-circle-question", "Ask your notes", () => this.openPane());
    this.addCommand({ id: "ask", name: "Ask your notes", callback: () => this.openPane() });
    this.addCommand({
      id: "ask-selection",
      name: "Ask about the selection",
      editorCheckCallback: (checking, editor) => {
        const selected = editor.getSelection().replace(/\s+/g, " ").trim();
        if (selected && !checking) void this.openPane(selected);
        return selected !== "";
      },
    });
  }

  server(): Server {
    return { address: this.settings.address, token: readToken(this.app) };
  }

  folder(): string {
    return this.settings.folder;
  }

  async change(changed: Partial<Settings>): Promise<void> {
    this.settings = { ...this.settings, ...changed };
    await this.saveData(this.settings);
  }

  private async openPane(question = ""): Promise<void> {
    const leaf = await this.app.workspace.ensureSideLeaf(VIEW, "right", {
      active: true,
      reveal: true,
    });
    await leaf.loadIfDeferred();
    if (!(leaf.view instanceof AnswerView)) return;
    leaf.view.focus();
    if (question) await leaf.view.ask(question);
  }
}
