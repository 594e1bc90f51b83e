/** A server on a free port of loopback that answers as `ragqa serve` does, as a test says. */

import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export const TOKEN = "right-token_1";

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

type Answering = (question: string) => Reply | Promise<Reply>;

/** What `ragqa ask --json` printed; each document holds its question. */
export function documentOf(name: string): Record<string, unknown> {
  return JSON.parse(
    readFileSync(join(import.meta.dirname, "../documents", `${name}.json`), "utf8"),
  );
}

export class StubServer {
  asked: { url: URL; headers: IncomingHttpHeaders }[] = [];
  answer: Answering = () => ({ body: {} });
  private server = createServer(async ({ url, headers }, response) => {
    const asked = { url: new URL(url ?? "/", this.address), headers };
    this.asked.push(asked);
    if (headers.authorization !== `Bearer ${TOKEN}`) {
      send(response, {
        status: 401,
        body: { error: "send the printed token: Authorization: Bearer TOKEN" },
      });
    } else {
      send(response, await this.answer(asked.url.searchParams.get("question") ?? ""));
    }
  });

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  start(): Promise<void> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", resolve);
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: Reply): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
