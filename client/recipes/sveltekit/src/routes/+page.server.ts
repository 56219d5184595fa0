import { env } from "$env/dynamic/private";
import type { ListOptions, Pipelines } from "argocd-sse-gateway-client";
import type { PageServerLoad } from "./$types";

const gateway = env.SSE_GATEWAY_URL ?? "http://127.0.0.1:8090";

/** The state as of now, for the page to continue from; undefined where the gateway has none, so that the page begins empty. */
export const load: PageServerLoad = async ({ fetch }): Promise<{ from: ListOptions["from"] }> => {
  try {
    const answer = await fetch(`${gateway}/api/pipelines`, { signal: AbortSignal.timeout(2_000) });
    if (!answer.ok) return { from: undefined };
    const { applications, upstream }: Pipelines = await answer.json();
    return { from: { cursor: answer.headers.get("Gateway-Cursor") ?? "", applications: [...applications], upstream } };
  } catch {
    return { from: undefined };
  }
};
