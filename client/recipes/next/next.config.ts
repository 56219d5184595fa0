import type { NextConfig } from "next";

// Read while building: the built server keeps it.
const gateway = process.env.SSE_GATEWAY_URL ?? "http://127.0.0.1:8090";

const config: NextConfig = {
  rewrites: async () => [
    { source: "/api/pipelines/:path*", destination: `${gateway}/api/pipelines/:path*` },
    { source: "/api/stream/:path*", destination: `${gateway}/api/stream/:path*` },
  ],
};

export default config;
