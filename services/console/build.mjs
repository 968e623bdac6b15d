// Copies what the pages load out of node_modules, beside our own style sheet, into static/.
import { copyFileSync, mkdirSync } from "node:fs";

const target = "src/console/static";
const scripts = ["htmx.org/dist/htmx.min.js", "htmx-ext-sse/dist/sse.min.js"];

mkdirSync(target, { recursive: true });
for (const script of scripts) {
  copyFileSync(`node_modules/${script}`, `${target}/${script.split("/").at(-1)}`);
}
copyFileSync("src/console/assets/console.css", `${target}/console.css`);
