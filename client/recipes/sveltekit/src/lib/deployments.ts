import { connect, type State } from "argocd-sse-gateway-client";
import { readable } from "svelte/store";

/** The same as a store, for Svelte 4 and for plain modules: open while somebody subscribes. */
export const deployments = readable<State | undefined>(undefined, (set) => {
  const connection = connect({ url: "/api/stream/pipelines" });
  set(connection.state);
  const stop = connection.subscribe((state) => set(state));
  return () => {
    stop();
    connection.close();
  };
});
