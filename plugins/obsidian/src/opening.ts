/** From a cited place to the note in the vault, its line and the words there. */

import { type App, MarkdownView, Notice, normalizePath, type PaneType, type TFile } from "obsidian";
import type { Place } from "./documents";

/**
 * Open the note at the cited line and select the cited words, or say why not.
 *
 * Only Markdown is opened: Obsidian would hand another file to the system's program for it.
 *
 * @param where as `Workspace.getLeaf` takes it; false prefers a tab that shows the note already.
 */
export async function openPlace(
  app: App,
  folder: string,
  place: Place,
  where: PaneType | boolean,
): Promise<void> {
  const path = vaultPath(folder, place.path);
  const file = path === null ? null : app.vault.getFileByPath(path);
  if (file?.extension !== "md") {
    new Notice(`“${place.path}” is no note of this vault: check the folder in the settings.`);
    return;
  }
  const leaf = (where === false && tabOf(app, file)) || app.workspace.getLeaf(where);
  await leaf.openFile(file, { active: true, eState: { line: place.lines[0] - 1 } });
  // The reading view has no selection; it is at the line by now.
  if (!(leaf.view instanceof MarkdownView) || leaf.view.getMode() !== "source") return;
  const { editor } = leaf.view;
  const stretch = stretchOf(editor.getValue(), place);
  if (stretch === null) {
    new Notice("The note has changed: this is the line that was cited.");
    return;
  }
  const [from, to] = [editor.offsetToPos(stretch[0]), editor.offsetToPos(stretch[1])];
  editor.setSelection(from, to);
  editor.scrollIntoView({ from, to }, true);
}

/** The path in the vault of a note of the corpus; null where it leads elsewhere. */
export function vaultPath(folder: string, path: string): string | null {
  const isPlain = path.split("/").every((part) => !["", ".", ".."].includes(part));
  if (!isPlain || path.includes("\\")) return null;
  return normalizePath(`${folder}/${path}`);
}

/**
 * Where the words of a place stand in the text of an editor; null where they are gone.
 *
 * The server counts characters in the file, an editor in UTF-16 and with its own line ends. So the
 * words are looked for, and those nearest to the cited line are taken.
 */
export function stretchOf(text: string, place: Place): [number, number] | null {
  const words = place.text.replace(/\r\n?/g, "\n");
  if (!words) return null;
  const cited = text
    .split("\n")
    .slice(0, place.lines[0] - 1)
    .join("\n").length;
  let nearest = -1;
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1)) {
    if (nearest === -1 || Math.abs(at - cited) < Math.abs(nearest - cited)) nearest = at;
  }
  return nearest === -1 ? null : [nearest, nearest + words.length];
}

function tabOf(app: App, file: TFile) {
  const tabs = app.workspace.getLeavesOfType("markdown");
  return tabs.find(({ view }) => view instanceof MarkdownView && view.file?.path === file.path);
}
