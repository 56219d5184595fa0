/** The module is the gateway's own file: put here while npm packs, removed afterwards, so that there is but one. */
import { copyFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const target = fileURLToPath(new URL("client.js", import.meta.url));
if (process.argv[2] === "put") copyFileSync(fileURLToPath(new URL("../gateway/web/static/client.js", import.meta.url)), target);
else rmSync(target, { force: true });
