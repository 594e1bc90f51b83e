/** The client of `ragqa serve`, which is asked on this machine and nowhere else. */

import { type RequestUrlResponse, requestUrl } from "obsidian";
import { type Answer, answerFrom, fields, text } from "./documents";

/** The names at which `ragqa serve` answers. */
const HOSTS = ["127.0.0.1", "localhost"];
const LONGEST_QUESTION = 2_000;
const LONGEST_ERROR = 500;
const LONGEST_PAUSE_S = 30;

export interface Server {
  address: string;
  token: string;
}

/** Why there is no answer, as a sentence for the reader. */
export class NoAnswer extends Error {
  /** @param againInS seconds until it is worth asking again; 0 where it is not. */
  constructor(
    message: string,
    readonly againInS = 0,
  ) {
    super(message);
  }
}

/**
 * The origin of an address on this machine.
 *
 * @throws NoAnswer for any other address.
 */
export function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol !== "http:" || !HOSTS.includes(url.hostname) || url.username || url.password) {
    throw new NoAnswer(
      `The address “${address}” is refused: only http://127.0.0.1:PORT and http://localhost:PORT are asked.`,
    );
  }
  return url.origin;
}

/** The token in what was pasted, which may be the whole line that `ragqa serve` prints. */
export function tokenIn(pasted: string): string {
  return /(?:^|bearer\s+)([\w-]+)\s*$/i.exec(pasted.trim())?.[1] ?? "";
}

/**
 * Ask a question.
 *
 * `requestUrl` sends no `Origin`; the server refuses the `fetch` of a page that is not its own.
 *
 * @throws NoAnswer
 */
export async function ask(server: Server, question: string): Promise<Answer> {
  const origin = originOf(server.address);
  if (question.length > LONGEST_QUESTION) {
    throw new NoAnswer(`A question has at most ${LONGEST_QUESTION} characters.`);
  }
  if (!server.token) {
    throw new NoAnswer("Paste the token that “ragqa serve” printed into the settings of ragqa.");
  }
  const url = `${origin}/api/ask?${new URLSearchParams({ question })}`;
  const headers = { Authorization: `Bearer ${server.token}` };
  let response: RequestUrlResponse;
  try {
    response = await requestUrl({ url, headers, throw: false });
  } catch {
    throw new NoAnswer(
      `Nothing answers at ${origin}: start “ragqa serve --corpus FOLDER” in a terminal.`,
    );
  }
  if (response.status === 401) {
    throw new NoAnswer(
      "The token is not accepted: paste the one that “ragqa serve” prints when it starts into the settings of ragqa.",
    );
  }
  try {
    const document: unknown = JSON.parse(response.text);
    if (response.status === 200) return answerFrom(document);
    throw failure(response, document);
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer(
      `What answers at ${origin} does not speak as this plug-in expects: check the address in the settings of ragqa.`,
    );
  }
}

function failure(response: RequestUrlResponse, document: unknown): NoAnswer {
  const { error, hint } = fields(document);
  const said = hint ? `${text(error)} (${text(hint)})` : text(error);
  const sentence = `${said.charAt(0).toUpperCase()}${said.slice(1, LONGEST_ERROR)}.`;
  return new NoAnswer(sentence, response.status === 503 ? pause(response.headers) : 0);
}

function pause(headers: Record<string, string>): number {
  const given = Object.entries(headers).find(([name]) => name.toLowerCase() === "retry-after");
  return Math.min(Math.max(Number(given?.[1]) || 1, 1), LONGEST_PAUSE_S);
}
