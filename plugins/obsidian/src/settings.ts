/** The address of `ragqa serve`, its token, and where the notes are in the vault. */

import { type App, PluginSettingTab, Setting } from "obsidian";
import { NoAnswer, originOf, tokenIn } from "./api";
import type RagqaPlugin from "./main";

const SECRET = "ragqa-token";

export interface Settings {
  address: string;
  folder: string;
}

export const DEFAULTS: Settings = { address: "http://127.0.0.1:7247", folder: "" };

/** The token is kept in Obsidian's secret storage, not in a file of the vault. */
export function readToken(app: App): string {
  return app.secretStorage.getSecret(SECRET) ?? "";
}

export class SettingsPage extends PluginSettingTab {
  constructor(private readonly plugin: RagqaPlugin) {
    super(plugin.app, plugin);
  }

  override display(): void {
    this.containerEl.empty();
    this.addAddress();
    this.addToken();
    new Setting(this.containerEl)
      .setName("Folder of the notes")
      .setDesc("The folder of the vault that ragqa serves; empty for the whole vault.")
      .addText((field) =>
        field.setValue(this.plugin.settings.folder).onChange(async (value) => {
          await this.plugin.change({ folder: value.trim() });
        }),
      );
  }

  private addAddress(): void {
    const about = "Where “ragqa serve” listens on this machine. No other machine is asked.";
    const setting = new Setting(this.containerEl).setName("Address").setDesc(about);
    setting.addText((field) =>
      field.setValue(this.plugin.settings.address).onChange(async (value) => {
        try {
          await this.plugin.change({ address: originOf(value.trim()) });
          setting.setDesc(about);
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          setting.setDesc(error.message);
        }
      }),
    );
  }

  private addToken(): void {
    new Setting(this.containerEl)
      .setName("Token")
      .setDesc("“ragqa serve” prints a new one whenever it starts; paste it, or the whole line.")
      .addText((field) => {
        field.inputEl.type = "password";
        field.setValue(readToken(this.app)).onChange((value) => {
          this.app.secretStorage.setSecret(SECRET, tokenIn(value));
        });
      });
  }
}
