import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Where `vite dev` sends API calls; the built app is served by the Worker itself and needs no proxy. */
const apiUrl = process.env["SKIPSTONE_API_URL"] ?? "http://127.0.0.1:8787";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react()],
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2023",
    // The policy in public/_headers allows no data: scripts or fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    // One file: the page needs React, the chat client and the markdown renderer for its first message anyway. The rest is that of `/docs`.
    chunkSizeWarningLimit: 1600,
    modulePreload: { polyfill: false },
    rollupOptions: { input: [page("index.html"), page("docs.html")] },
  },
  server: { proxy: { "/api": apiUrl } },
});

function page(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
