import type { QueryClient } from "@tanstack/react-query";
import { connect, type Connection, type State } from "argocd-sse-gateway-client";

export type Applications = State["applications"];

export const APPLICATIONS = ["applications"];

/** Queries of APPLICATIONS wait for the first state, and are never fetched again: the stream writes them. */
export function feed(client: QueryClient, connection: Connection = connect({ url: "/api/stream/pipelines" })): Connection {
  const first = () =>
    new Promise<Applications>((resolve) => {
      const look = (state: State) => {
        if (!state.known) return;
        stop();
        resolve(state.applications);
      };
      const stop = connection.subscribe(look);
      look(connection.state);
    });
  client.setQueryDefaults(APPLICATIONS, { queryFn: first, staleTime: Infinity, gcTime: Infinity, structuralSharing: false });
  connection.subscribe((state) => {
    if (state.known && state.applications !== client.getQueryData(APPLICATIONS)) client.setQueryData(APPLICATIONS, state.applications);
  });
  return connection;
}
