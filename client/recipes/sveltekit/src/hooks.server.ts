import { env } from "$env/dynamic/private";
import type { Handle } from "@sveltejs/kit";

const gateway = env.SSE_GATEWAY_URL ?? "http://127.0.0.1:8090";
const ASKED = ["accept", "authorization", "cookie", "if-none-match", "last-event-id"];
const ANSWERED = ["cache-control", "content-type", "etag", "gateway-cursor", "retry-after", "x-accel-buffering"];
const PATH = /^\/api\/(pipelines|stream)(\/|$)/;

/** While developing and in production: what is asked of the gateway, it answers itself. */
export const handle: Handle = ({ event, resolve }) =>
  event.request.method === "GET" && PATH.test(event.url.pathname) ? passOn(event.url, event.request) : resolve(event);

async function passOn({ pathname, search }: URL, { headers, signal }: Request): Promise<Response> {
  // fetch decompresses what it gets, so that it couldn't be passed on as it came.
  const asked = { ...pick(headers, ASKED), "accept-encoding": "identity" };
  try {
    const answer = await fetch(`${gateway}${pathname}${search}`, { headers: asked, redirect: "manual", signal });
    return new Response(answer.body, { status: answer.status, headers: pick(answer.headers, ANSWERED) });
  } catch {
    return new Response("The gateway can't be reached.", { status: 503 });
  }
}

function pick(headers: Headers, names: string[]): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => names.includes(name)));
}
