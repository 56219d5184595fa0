import { connect, type State } from "argocd-sse-gateway-client";
import { useSyncExternalStore } from "react";

// One for the page: it is opened with it, and closed by the browser.
const connection = connect({ url: "/api/stream/pipelines" });
const subscribe = (changed: () => void) => connection.subscribe(changed);

/** Select what exists already, such as a document, the map, a word; make what is new of it in `useMemo`. */
export function useDeployments<T>(select: (state: State) => T): T {
  return useSyncExternalStore(subscribe, () => select(connection.state));
}
