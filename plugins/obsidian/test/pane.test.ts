import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { App as RealApp } from "obsidian";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import manifest from "../manifest.json";
import RagqaPlugin from "../src/main";
import { type AnswerView, VIEW } from "../src/view";
import { App, Editor, Notice, type Plugin } from "./stub/obsidian";
import { documentOf, StubServer, TOKEN } from "./stub/server";

const CITED = "fine-tuning/decision-framework.md";
const NOTE = readFileSync(join(import.meta.dirname, "../../../corpus", CITED), "utf8");
const QUESTION = "when should I fine-tune?";

let server: StubServer;
let app: App;
let plugin: Plugin & RagqaPlugin;

beforeEach(async () => {
  document.body.replaceChildren();
  Notice.said = [];
  server = new StubServer();
  await server.start();
  app = new App({ [CITED]: NOTE });
  app.secrets["ragqa-token"] = TOKEN;
  plugin = await started();
});

afterEach(() => server.stop());

async function started(): Promise<Plugin & RagqaPlugin> {
  const made = new RagqaPlugin(app as unknown as RealApp, manifest) as Plugin & RagqaPlugin;
  made.data = { address: server.address };
  await made.onload();
  return made;
}

function found(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`there is no ${selector}`);
  return element;
}

function field(): HTMLInputElement {
  return found(".ragqa-ask input") as HTMLInputElement;
}

function said(): string {
  return found(".ragqa-answer").textContent ?? "";
}

/** Ask as a person does: the command, the question, Enter; until nothing is being waited for. */
async function ask(question: string): Promise<void> {
  await plugin.commands.find(({ id }) => id === "ask")?.callback?.();
  field().value = question;
  found(".ragqa-ask").dispatchEvent(new Event("submit", { cancelable: true }));
  await vi.waitUntil(() => !found(".ragqa-answer").hasAttribute("aria-busy"));
}

async function pane(): Promise<AnswerView> {
  const side = await app.workspace.ensureSideLeaf(VIEW);
  return side.view as AnswerView;
}

async function open(button: string, init: MouseEventInit = {}): Promise<void> {
  const tabs = app.tabs.map((tab) => tab.view);
  const notices = Notice.said.length;
  found(button).dispatchEvent(new MouseEvent("click", init));
  await vi.waitUntil(
    () => app.tabs.some((tab, n) => tab.view !== tabs[n]) || Notice.said.length > notices,
  );
}

function changed(document: Record<string, unknown>, fields: Record<string, unknown>) {
  const [first] = document.citations as Record<string, unknown>[];
  return { ...document, citations: [{ ...first, ...fields }] };
}

describe("an answer", () => {
  test("without reserve shows its excerpt, and where and when that was written", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    expect(document.querySelector(".ragqa-verdict")).toBeNull();
    expect(found("blockquote").textContent).toMatch(/^Fine-tune when good prompting/);
    expect(found(".ragqa-excerpt .ragqa-place").textContent).toBe(`${CITED}:17–20`);
    expect(found(".ragqa-excerpt .ragqa-about").textContent).toBe(
      "When to fine-tune, and when not to › When to fine-tune · 2026-11-27",
    );
    expect(said()).not.toContain("Not in these excerpts");
  });

  test("is asked for with the token and without an origin", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    await ask("which one & why? 日本");
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]?.url.pathname).toBe("/api/ask");
    expect(server.asked[0]?.url.searchParams.get("question")).toBe("which one & why? 日本");
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(server.asked[0]?.headers).not.toHaveProperty("origin");
  });

  test("with a reserve stands within its passage, and the further ones are whole", async () => {
    server.answer = () => ({ body: documentOf("close") });
    await ask("lora adapter file size in Postgres?");
    const [first, ...others] = document.querySelectorAll(".ragqa-excerpt");
    const shown = [...(first?.querySelectorAll("blockquote span") ?? [])];
    expect(shown.map(({ className }) => className)).toEqual(["", "ragqa-beside"]);
    expect(shown[1]?.textContent).toMatch(/^\n\nLoRA does not fix bad data/);
    expect(others).toHaveLength(1);
    for (const one of others) {
      expect(one.querySelector("details")).toBeNull();
      expect(one.querySelector(".ragqa-about")?.textContent).toMatch(/ · 2026-\d\d-\d\d$/);
    }
  });

  test("without reserve folds the further excerpts, each below its date", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    const others = [...document.querySelectorAll(".ragqa-excerpt")].slice(1);
    expect(others).toHaveLength(2);
    for (const one of others) {
      expect(one.querySelector("details")?.open).toBe(false);
      expect(one.querySelector(".ragqa-about")?.textContent).toMatch(/ · 2026-\d\d-\d\d$/);
    }
  });

  test("shows of a passage no more than the document says, in code points", async () => {
    const body = documentOf("close");
    const [first] = body.passages as Record<string, unknown>[];
    const passage = { ...first, path: "a.md", chars: [10, 16], text: "\u{1f600}bcde\u{1f600}" };
    const cited = { path: "a.md", chars: [12, 14], around: [10, 15], quote: "cd" };
    server.answer = () => ({ body: { ...changed(body, cited), passages: [passage] } });
    await ask(QUESTION);
    expect(found("blockquote").textContent).toBe("\u{1f600}bcde");
  });

  test("that the notes do not have shows the nearest passages instead", async () => {
    server.answer = () => ({ body: documentOf("not-in-notes") });
    await ask("how do I bake sourdough bread?");
    expect(said()).toContain(
      "Your notes do not seem to answer this (no note has: bake, sourdough).",
    );
    expect(document.querySelector("blockquote")).toBeNull();
    expect((found("details") as HTMLDetailsElement).open).toBe(true);
    expect(document.querySelectorAll("details li .ragqa-place")).toHaveLength(5);
  });

  test.each([
    ["2026-03-18", "2026-01-14", "Earlier"],
    ["2026-01-14", "2026-03-18", "Later"],
  ])("shows statements of other dates below that of %s", async (date, other, heading) => {
    const answer = changed(documentOf("answered"), { date });
    const [one] = answer.citations;
    const earlier = [{ ...one, path: "standup.md", date: other, date_from: "file" }];
    server.answer = () => ({ body: { ...answer, earlier } });
    await ask(QUESTION);
    const [first, second] = [...document.querySelectorAll(".ragqa-excerpt")];
    expect(first?.textContent).toContain(date);
    expect(second?.textContent).toContain(`file of ${other}`);
    expect(found("h4").textContent).toBe(heading);
  });

  test("tells how a word was read, and what the server warns of", async () => {
    const corrected = [{ from: "finetune", to: "fine-tune" }];
    server.answer = () => ({
      body: { ...documentOf("answered"), corrected, warnings: ["a note was skipped"] },
    });
    await ask(QUESTION);
    expect(said()).toContain("Looked for fine-tune instead of finetune.");
    expect(said()).toContain("a note was skipped");
  });

  test("is said by a screen reader, and everything is reached by the keyboard", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    expect(found(".ragqa-answer").getAttribute("aria-live")).toBe("polite");
    expect(field().closest("label")?.textContent).toBe("Your question");
    expect(document.activeElement).toBe(field());
    for (const place of document.querySelectorAll(".ragqa-place")) {
      expect(place.tagName).toBe("BUTTON");
      expect(place.getAttribute("type")).toBe("button");
    }
  });
});

describe("a citation", () => {
  test("opens the note at its line, with the words selected", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    await open(".ragqa-place");
    const [tab] = app.tabs;
    const view = tab?.view as { file: { path: string }; editor: Editor };
    expect(view.file.path).toBe(CITED);
    expect(tab?.line).toBe(17);
    expect(view.editor.selected).toMatch(/^Fine-tune when good .* high-volume task\.$/s);
  });

  test("opens in a new tab with Ctrl", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    await open(".ragqa-place");
    await open(".ragqa-place");
    expect(app.tabs).toHaveLength(1);
    await open(".ragqa-place", { ctrlKey: true });
    expect(app.tabs).toHaveLength(2);
  });

  test("of a sub-folder of the vault opens there", async () => {
    app.notes[`Wiki/ai/${CITED}`] = NOTE;
    await plugin.change({ folder: "/Wiki/ai/" });
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    await open(".ragqa-place");
    expect(app.tabs[0]?.view).toMatchObject({ file: { path: `Wiki/ai/${CITED}` } });
  });

  test("of a note that has changed opens at the line and says so", async () => {
    app.notes[CITED] = NOTE.replace("Fine-tune when good", "Do not fine-tune when good");
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    await open(".ragqa-place");
    await vi.waitUntil(() => Notice.said.length > 0);
    expect(app.tabs[0]?.line).toBe(17);
    expect(Notice.said).toEqual(["The note has changed: this is the line that was cited."]);
  });

  test("opens at its line in the reading view", async () => {
    app.mode = "preview";
    server.answer = () => ({ body: documentOf("answered") });
    await ask(QUESTION);
    await open(".ragqa-place");
    expect(app.tabs[0]?.line).toBe(17);
    expect(Notice.said).toEqual([]);
  });
});

describe("a hostile server or note", () => {
  const HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>";

  test("puts no element into the pane", async () => {
    const hostile = { path: HOSTILE, heading: [HOSTILE], quote: HOSTILE, context: HOSTILE };
    const answer = changed(documentOf("answered"), { ...hostile, note_date: HOSTILE });
    const [statement] = answer.citations;
    server.answer = () => ({
      body: {
        ...answer,
        no_note_has: [HOSTILE],
        warnings: [HOSTILE],
        corrected: [{ from: HOSTILE, to: HOSTILE }],
        earlier: [{ ...statement, date: HOSTILE }],
      },
    });
    await ask(QUESTION);
    expect(found("blockquote").textContent).toBe(HOSTILE);
    expect(document.querySelectorAll("img, script, style, iframe, a")).toHaveLength(0);
  });

  test("puts no element into the pane by an error", async () => {
    server.answer = () => ({ status: 400, body: { error: HOSTILE, hint: HOSTILE } });
    await ask(QUESTION);
    expect(said()).toContain(HOSTILE);
    expect(document.querySelectorAll("img, script")).toHaveLength(0);
  });

  test("cannot reorder or hide what is shown", async () => {
    server.answer = () => ({
      body: changed(documentOf("answered"), { path: "a\u202edm.md", quote: "a\u0007\tb\nc" }),
    });
    await ask(QUESTION);
    expect(found(".ragqa-place").textContent).toBe("a\ufffddm.md:17–20");
    expect(found("blockquote").textContent).toBe("a\ufffd\tb\nc");
  });

  test.each([
    "../secret.md",
    "fine-tuning/../secret.md",
    "/secret.md",
    "C:\\secret.md",
    "..\\secret.md",
    "",
    "nowhere.md",
    "program.exe",
  ])("opens nothing at %j", async (path) => {
    app.notes["secret.md"] = "# Secret\n";
    app.notes["program.exe"] = "";
    server.answer = () => ({ body: changed(documentOf("answered"), { path }) });
    await ask(QUESTION);
    await open(".ragqa-place");
    expect(app.tabs).toEqual([]);
    expect(Notice.said[0]).toContain("is no note of this vault");
  });

  test.each([
    ["no JSON", "<html>"],
    ["no object", "null"],
    ["another document", { version: 1, notes: [] }],
    ["a verdict that is none", { ...documentOf("answered"), verdict: "certain" }],
    ["lines that are none", changed(documentOf("answered"), { lines: ["1", "2"] })],
    ["a quote that is no text", changed(documentOf("answered"), { quote: {} })],
  ])("that gives %s is not believed", async (_, body) => {
    server.answer = () => ({ body });
    await ask(QUESTION);
    expect(said()).toContain("does not speak as this plug-in expects");
  });
});

describe("where there is no answer", () => {
  test("for want of a token, nothing is sent", async () => {
    app.secrets = {};
    await ask(QUESTION);
    expect(said()).toBe("Paste the token that “ragqa serve” printed into the settings of ragqa.");
    expect(server.asked).toEqual([]);
  });

  test("because the token is an old one, the pane says where the new one is", async () => {
    app.secrets["ragqa-token"] = "old";
    await ask(QUESTION);
    expect(said()).toMatch(/^The token is not accepted: paste the one that “ragqa serve” prints/);
  });

  test("because nothing runs, the pane names the command", async () => {
    const { address } = server;
    await server.stop();
    await ask(QUESTION);
    await server.start();
    expect(said()).toBe(
      `Nothing answers at ${address}: start “ragqa serve --corpus FOLDER” in a terminal.`,
    );
  });

  test("because the question is refused, the server's sentence is shown", async () => {
    const body = { error: "question is missing", hint: "give question as text" };
    server.answer = () => ({ status: 400, body });
    await ask(" ");
    expect(said()).toBe("Question is missing (give question as text).");
  });

  test("because the selection is a whole chapter, nothing is sent", async () => {
    await ask("x".repeat(2_001));
    expect(said()).toBe("A question has at most 2000 characters.");
    expect(server.asked).toEqual([]);
  });

  test.each([
    "https://127.0.0.1:7247",
    "http://evil.example:7247",
    "http://127.0.0.1:7247@evil.example",
    "http://127.0.0.1.evil.example",
    "http://192.168.1.2:7247",
    "file:///etc/passwd",
    "",
  ])("because %j is not this machine, nothing is sent", async (address) => {
    await plugin.change({ address });
    await ask(QUESTION);
    expect(said()).toContain("is refused: only http://127.0.0.1:PORT and http://localhost:PORT");
    expect(server.asked).toEqual([]);
  });
});

describe("while the index is being built", () => {
  const BUILDING = {
    status: 503,
    headers: { "Retry-After": "2" },
    body: { error: "the index is being built: 3 of 9 kB", hint: "ask again in a few seconds" },
  };

  beforeEach(() =>
    vi.stubGlobal(
      "sleep",
      vi.fn(async () => {}),
    ),
  );
  afterEach(() => vi.unstubAllGlobals());

  test("the question is asked again when the server says", async () => {
    const replies = [BUILDING, BUILDING, { body: documentOf("answered") }];
    const shown: string[] = [];
    server.answer = () => {
      shown.push(said());
      return replies[shown.length - 1] ?? BUILDING;
    };
    await ask(QUESTION);
    expect(shown[0]).toBe("Asking…");
    expect(shown[1]).toBe(
      "The index is being built: 3 of 9 kB (ask again in a few seconds). " +
        "The question is asked again by itself.",
    );
    expect(found("blockquote").textContent).toMatch(/^Fine-tune when good prompting/);
    expect(vi.mocked(sleep).mock.calls).toEqual([[2000], [2000]]);
  });

  test.each([
    ["-5", 1000],
    ["soon", 1000],
    ["86400", 30_000],
  ])("a pause of %s is %i ms", async (given, paused) => {
    const replies = [{ ...BUILDING, headers: { "Retry-After": given } }];
    server.answer = () => replies.shift() ?? { body: documentOf("answered") };
    await ask(QUESTION);
    expect(vi.mocked(sleep).mock.calls).toEqual([[paused]]);
  });

  test("a closed pane asks no more", async () => {
    server.answer = () => BUILDING;
    const view = await pane();
    vi.mocked(sleep).mockImplementationOnce(() => view.onClose());
    await view.ask(QUESTION);
    expect(server.asked).toHaveLength(1);
  });
});

test("a second question drops the first, even if that is answered later", async () => {
  let answerFirst = () => {};
  const late = new Promise<void>((resolve) => {
    answerFirst = resolve;
  });
  server.answer = async (question) => {
    if (question === QUESTION) await late;
    return { body: documentOf(question === QUESTION ? "answered" : "not-in-notes") };
  };
  const view = await pane();
  const first = view.ask(QUESTION);
  await view.ask("how do I bake sourdough bread?");
  answerFirst();
  await first;
  expect(said()).toContain("Your notes do not seem to answer this (no note has");
  expect(document.querySelector("blockquote")).toBeNull();
});

describe("a command", () => {
  test("has a name that says what it does", () => {
    expect(plugin.commands.map(({ name }) => name)).toEqual([
      "Ask your notes",
      "Ask about the selection",
    ]);
  });

  test("asks about the selection as one line", async () => {
    server.answer = () => ({ body: documentOf("answered") });
    const command = plugin.commands.find(({ id }) => id === "ask-selection");
    const editor = new Editor("");
    expect(command?.editorCheckCallback?.(true, editor)).toBe(false);
    editor.selected = "when should\n  I fine-tune?\n";
    expect(command?.editorCheckCallback?.(true, editor)).toBe(true);
    expect(server.asked).toEqual([]);
    command?.editorCheckCallback?.(false, editor);
    await vi.waitUntil(() => document.querySelector("blockquote"));
    expect(field().value).toBe(QUESTION);
    expect(server.asked[0]?.url.searchParams.get("question")).toBe(QUESTION);
  });
});

describe("the settings", () => {
  function setting(n: number): { about: () => string; type: (value: string) => void } {
    const element = plugin.tab?.containerEl.children[n];
    const input = element?.querySelector("input") as HTMLInputElement;
    return {
      about: () => element?.querySelector("p")?.textContent ?? "",
      type: (value) => {
        input.value = value;
        input.dispatchEvent(new Event("input"));
      },
    };
  }

  beforeEach(() => plugin.tab?.display());

  test("keep the address that was pasted without its ticket", async () => {
    setting(0).type("http://127.0.0.1:9000/start?ticket=abc");
    expect(plugin.settings.address).toBe("http://127.0.0.1:9000");
  });

  test("say why another machine's address is not kept", () => {
    const before = plugin.settings.address;
    setting(0).type("http://evil.example");
    expect(setting(0).about()).toContain("“http://evil.example” is refused");
    expect(plugin.settings.address).toBe(before);
  });

  test("take the token from the line that was printed, and keep it out of the vault", () => {
    setting(1).type("Programs send: Authorization: Bearer abc_D-9\n");
    expect(plugin.server().token).toBe("abc_D-9");
    setting(2).type(" Wiki ");
    expect(plugin.data).toEqual({ address: server.address, folder: "Wiki" });
  });
});
