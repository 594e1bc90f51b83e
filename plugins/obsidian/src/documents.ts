/** The answer as the pane uses it, read from JSON that nobody has checked. */

const VERDICTS = ["answered", "close", "not in notes"] as const;
const MOST = 50;

export type Verdict = (typeof VERDICTS)[number];

/** From the first to before the last, as code points of the note. */
export type Span = [number, number];

/** Words of a note. Lines count from 1, and both are included. */
export interface Place {
  path: string;
  lines: [number, number];
  chars: Span;
  heading: string[];
  date: string;
  text: string;
}

/** What is shown `around` it stands in one of the passages; its date may be that of its file. */
export interface Citation extends Place {
  around: Span | null;
  old: boolean;
  ofFile: boolean;
  context: string;
}

export interface Answer {
  verdict: Verdict;
  confidence: number;
  noNoteHas: string[];
  corrected: { from: string; to: string }[];
  citations: Citation[];
  also: Citation[];
  earlier: Citation[];
  passages: Place[];
  warnings: string[];
}

/** @throws TypeError where a value is not what `docs/json.md` says. */
export function answerFrom(value: unknown): Answer {
  const it = fields(value);
  return {
    verdict: verdict(it.verdict),
    confidence: number(it.confidence),
    noNoteHas: list(it.no_note_has, text),
    corrected: list(it.corrected, (one) => ({
      from: text(fields(one).from),
      to: text(fields(one).to),
    })),
    citations: list(it.citations, citation),
    also: list(it.also, citation),
    earlier: list(it.earlier, citation),
    passages: list(it.passages, (one) => place(one, "text")),
    warnings: list(it.warnings, text),
  };
}

function citation(value: unknown): Citation {
  const it = fields(value);
  return {
    ...place(value, "quote"),
    around: it.around ? span(it.around) : null,
    old: it.old === true,
    date: text(it.date ?? it.note_date ?? ""),
    ofFile: it.date_from === "file",
    context: text(it.context ?? ""),
  };
}

function place(value: unknown, words: "quote" | "text"): Place {
  const it = fields(value);
  return {
    path: text(it.path),
    lines: span(it.lines),
    chars: span(it.chars),
    heading: list(it.heading, text),
    date: text(it.note_date ?? ""),
    text: text(it[words]),
  };
}

function span(value: unknown): Span {
  const [from, to] = list(value, number);
  return [number(from), number(to)];
}

export function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new TypeError("not an object");
  return value as Record<string, unknown>;
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("not text");
  return value;
}

function number(value: unknown): number {
  if (typeof value !== "number") throw new TypeError("not a number");
  return value;
}

function list<T>(value: unknown, read: (one: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value.slice(0, MOST).map(read);
}

function verdict(value: unknown): Verdict {
  const known = VERDICTS.find((one) => one === value);
  if (known === undefined) throw new TypeError("not a verdict");
  return known;
}
