import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Degraded } from "./degraded";
import "./look.css";
import { Overview } from "./overview";
import { feed } from "./query";

const client = new QueryClient();
feed(client);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <main>
        <Overview />
        <Degraded />
      </main>
    </QueryClientProvider>
  </StrictMode>,
);
