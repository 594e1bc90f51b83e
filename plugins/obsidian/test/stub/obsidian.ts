/** As much of Obsidian as the plug-in touches, in memory; `requestUrl` really asks. */

import { request } from "node:http";

interface Info {
  cls?: string;
  text?: string;
  type?: string;
  attr?: Record<string, string | boolean>;
}

function made(tag: string, info: Info = {}): HTMLElement {
  const element = document.createElement(tag);
  if (info.cls) element.className = info.cls;
  if (info.text) element.textContent = info.text;
  if (info.type) element.setAttribute("type", info.type);
  for (const [name, value] of Object.entries(info.attr ?? {})) {
    element.setAttribute(name, String(value));
  }
  return element;
}

Object.assign(globalThis, {
  createEl: made,
  createDiv: (info: Info) => made("div", info),
  sleep: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
});
Object.assign(HTMLElement.prototype, {
  createEl(this: HTMLElement, tag: string, info?: Info) {
    return this.appendChild(made(tag, info));
  },
  createDiv(this: HTMLElement, info?: Info) {
    return this.appendChild(made("div", info));
  },
  appendText(this: HTMLElement, text: string) {
    this.append(text);
  },
  empty(this: HTMLElement) {
    this.replaceChildren();
  },
});

export interface Asked {
  url: string;
  headers: Record<string, string>;
}

/** As Electron's network service asks for the app itself: no `Origin`, and not for a page. */
export function requestUrl({ url, headers }: Asked) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false }, async (answer) => {
      let text = "";
      for await (const chunk of answer.setEncoding("utf8")) text += chunk;
      resolve({ status: answer.statusCode, headers: answer.headers, text });
    });
    asked.on("error", reject).end();
  });
}

export function normalizePath(path: string): string {
  const parts = path.split(/[\\/]+/).filter(Boolean);
  return parts.join("/").normalize("NFC") || "/";
}

export class Notice {
  static said: string[] = [];

  constructor(message: string) {
    Notice.said.push(message);
  }
}

export const Keymap = {
  isModEvent: (event: MouseEvent) => (event.ctrlKey ? "tab" : false),
};

export interface Position {
  line: number;
  ch: number;
}

export class Editor {
  selected = "";

  constructor(private readonly text: string) {}

  getValue() {
    return this.text;
  }

  getSelection() {
    return this.selected;
  }

  offsetToPos(offset: number): Position {
    const before = this.text.slice(0, offset).split("\n");
    return { line: before.length - 1, ch: before.at(-1)?.length ?? 0 };
  }

  setSelection(from: Position, to: Position) {
    const at = ({ line, ch }: Position) =>
      this.text.split("\n").slice(0, line).join("\n").length + (line && 1) + ch;
    this.selected = this.text.slice(at(from), at(to));
  }

  scrollIntoView() {}
}

export interface TFile {
  path: string;
  extension: string;
}

export class ItemView {
  contentEl = made("div");
  app: App;

  constructor(readonly leaf: Leaf) {
    this.app = leaf.app;
  }

  async onOpen() {}
  async onClose() {}
}

export class MarkdownView {
  editor: Editor;

  constructor(
    readonly file: TFile,
    text: string,
    readonly mode: string,
  ) {
    this.editor = new Editor(text);
  }

  getMode() {
    return this.mode;
  }
}

export class Leaf {
  view: unknown;
  line = 0;

  constructor(readonly app: App) {}

  async openFile(file: TFile, { eState }: { eState: { line: number } }) {
    this.view = new MarkdownView(file, this.app.notes[file.path] ?? "", this.app.mode);
    this.line = eState.line + 1;
  }

  async loadIfDeferred() {}
}

/** An app over notes by path; `mode` is the one in which notes open. */
export class App {
  mode = "source";
  tabs: Leaf[] = [];
  views: Record<string, (leaf: Leaf) => ItemView> = {};
  secrets: Record<string, string> = {};
  private side: Leaf | null = null;

  constructor(readonly notes: Record<string, string>) {}

  secretStorage = {
    getSecret: (id: string) => this.secrets[id] ?? null,
    setSecret: (id: string, secret: string) => {
      this.secrets[id] = secret;
    },
  };

  vault = {
    getFileByPath: (path: string): TFile | null =>
      path in this.notes ? { path, extension: path.split(".").at(-1) ?? "" } : null,
  };

  workspace = {
    getLeavesOfType: () => this.tabs,
    getLeaf: (where: string | boolean): Leaf => {
      const current = this.tabs.at(-1);
      if (!where && current) return current;
      const leaf = new Leaf(this);
      this.tabs.push(leaf);
      return leaf;
    },
    ensureSideLeaf: async (type: string): Promise<Leaf> => {
      if (this.side) return this.side;
      this.side = new Leaf(this);
      const view = this.views[type]?.(this.side);
      this.side.view = view;
      document.body.append(view?.contentEl ?? "");
      await view?.onOpen();
      return this.side;
    },
  };
}

export interface Command {
  id: string;
  name: string;
  callback?: () => Promise<void>;
  editorCheckCallback?: (checking: boolean, editor: Editor) => boolean;
}

export class Plugin {
  commands: Command[] = [];
  data: unknown = null;
  tab: PluginSettingTab | null = null;

  constructor(readonly app: App) {}

  async loadData() {
    return this.data;
  }
  async saveData(data: unknown) {
    this.data = data;
  }
  addSettingTab(tab: PluginSettingTab) {
    this.tab = tab;
  }
  registerView(type: string, make: (leaf: Leaf) => ItemView) {
    this.app.views[type] = make;
  }
  addRibbonIcon() {}
  addCommand(command: Command) {
    this.commands.push(command);
  }
}

export class PluginSettingTab {
  containerEl = made("div");

  constructor(
    readonly app: App,
    readonly plugin: Plugin,
  ) {}

  display() {}
}

class TextField {
  inputEl = made("input") as HTMLInputElement;

  setValue(value: string) {
    this.inputEl.value = value;
    return this;
  }
  onChange(changed: (value: string) => unknown) {
    this.inputEl.addEventListener("input", () => changed(this.inputEl.value));
    return this;
  }
}

export class Setting {
  element = made("div");

  constructor(container: HTMLElement) {
    container.append(this.element);
    this.element.append(made("h5"), made("p"));
  }

  private put(tag: string, text: string) {
    const element = this.element.querySelector(tag);
    if (element) element.textContent = text;
    return this;
  }
  setName(name: string) {
    return this.put("h5", name);
  }
  setDesc(about: string) {
    return this.put("p", about);
  }
  addText(fill: (field: TextField) => unknown) {
    const field = new TextField();
    this.element.append(field.inputEl);
    fill(field);
    return this;
  }
}
