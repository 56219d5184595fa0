import { connect, type Connection, type ListOptions, type State } from "argocd-sse-gateway-client";
import { createSubscriber } from "svelte/reactivity";

/** The state, live: whatever reads `state` is rendered again when it changes. */
export class Deployments {
  #connection: Connection;
  #follow: () => void;

  constructor(options?: ListOptions) {
    this.#connection = connect({ url: "/api/stream/pipelines", ...options });
    this.#follow = createSubscriber((update) => this.#connection.subscribe(update));
  }

  get state(): State {
    this.#follow();
    return this.#connection.state;
  }

  close() {
    this.#connection.close();
  }
}
