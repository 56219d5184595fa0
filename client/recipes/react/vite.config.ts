import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The gateway is part of the page's own origin: here by this server, later by the ingress that serves the built files.
const proxy = { "/api": process.env.SSE_GATEWAY_URL ?? "http://127.0.0.1:8090" };

export default defineConfig({ plugins: [react()], server: { proxy }, preview: { proxy } });
