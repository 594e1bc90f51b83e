import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { environment: "happy-dom" },
  resolve: {
    alias: { obsidian: fileURLToPath(new URL("./test/stub/obsidian.ts", import.meta.url)) },
  },
});
