"use client";

import { connect, type Connection, type ListOptions, type State } from "argocd-sse-gateway-client";
import { useSyncExternalStore } from "react";

type Held = { connection: Connection; first: State };

let held: Held | undefined;

/** In a browser one for the page, whichever component asks first; on a server one for each request, that opens nothing. */
function hold(from: ListOptions["from"]): Held {
  if (held) return held;
  const connection = connect({ url: "/api/stream/pipelines", from });
  const made = { connection, first: connection.state };
  if (typeof window !== "undefined") held = made;
  return made;
}

/** The state, live, that continues what the server rendered. */
export function useDeployments(from: ListOptions["from"]): State {
  const { connection, first } = hold(from);
  return useSyncExternalStore(
    connection.subscribe.bind(connection),
    () => connection.state,
    () => first, // What the server rendered, though the stream may have spoken before the page was hydrated.
  );
}
