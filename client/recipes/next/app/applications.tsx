"use client";

import type { Application, ListOptions } from "argocd-sse-gateway-client";
import { memo } from "react";
import { useDeployments } from "./deployments";

export function Applications({ from }: { from: ListOptions["from"] }) {
  const { applications, standing } = useDeployments(from);
  const sorted = [...applications.values()].sort((one, other) => one.name.localeCompare(other.name, "en"));
  return (
    <>
      <header>
        <h1>Applications</h1>
        <p>{applications.size} of them</p>
        <span className={`standing ${standing}`}>{standing}</span>
      </header>
      <ul className={standing === "live" || standing === "connecting" ? "applications" : "applications old"}>
        {sorted.map((application) => (
          <Card key={application.key} application={application} />
        ))}
      </ul>
    </>
  );
}

/** A document is the same object until something in it changes: only those that did are rendered again. */
const Card = memo(function Card({ application }: { application: Application }) {
  const { key, name, health, sync } = application;
  return (
    <li data-key={key} data-health={health?.status}>
      <strong>{name}</strong>
      <span className="health">{health?.status ?? "Unknown"}</span> <small>{sync?.status}</small>
    </li>
  );
});
