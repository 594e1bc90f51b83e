import { expect, test } from "vitest";
import type { Place } from "../src/documents";
import { stretchOf, vaultPath } from "../src/opening";

function place(text: string, line: number): Place {
  return { path: "a.md", heading: [], chars: [0, 0], date: "", lines: [line, line], text };
}

test("of words that stand in a note twice, those at the cited line are meant", () => {
  expect(stretchOf("tea\n\ntea\n", place("tea", 1))).toEqual([0, 3]);
  expect(stretchOf("tea\n\ntea\n", place("tea", 3))).toEqual([5, 8]);
});

test("words are found after an edit above them", () => {
  expect(stretchOf("a\nb\nc\nd\ntea", place("tea", 1))).toEqual([8, 11]);
});

test("characters beyond the first plane and Windows' line ends do not shift the words", () => {
  expect(stretchOf("🍵🍵\none\ntwo", place("one\r\ntwo", 2))).toEqual([5, 12]);
});

test("words that are gone are not found, nor are none", () => {
  expect(stretchOf("coffee", place("tea", 1))).toBeNull();
  expect(stretchOf("coffee", place("", 1))).toBeNull();
});

test("a path is one of the vault's, as Obsidian writes it", () => {
  expect(vaultPath("", "a/b.md")).toBe("a/b.md");
  expect(vaultPath("notes/", "a/b.md")).toBe("notes/a/b.md");
  expect(vaultPath("", "cafe\u0301.md")).toBe("caf\u00e9.md");
});
