import { defineConfig } from "vite";

// `STRANGLER_SERVER=http://127.0.0.1:9900 npm run dev` tries the pages against a router.
const server = process.env.STRANGLER_SERVER ?? "http://127.0.0.1:9900";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  // Nothing inline: the router's content security policy allows no data: scripts or styles.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022", reportCompressedSize: false },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
});
