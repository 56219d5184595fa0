import type { ListOptions, Pipelines } from "argocd-sse-gateway-client";

const gateway = process.env.SSE_GATEWAY_URL ?? "http://127.0.0.1:8090";

/** The state as of now, for a page to continue from; undefined where the gateway has none, so that the page begins empty. */
export async function readState(): Promise<ListOptions["from"]> {
  try {
    const answer = await fetch(`${gateway}/api/pipelines`, { cache: "no-store", signal: AbortSignal.timeout(2_000) });
    if (!answer.ok) return undefined;
    const { applications, upstream }: Pipelines = await answer.json();
    return { cursor: answer.headers.get("Gateway-Cursor") ?? "", applications: [...applications], upstream };
  } catch {
    return undefined;
  }
}
