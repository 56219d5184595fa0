import { memo } from "react";
import { useDeployments } from "./deployments";

export function Overview() {
  const applications = useDeployments((state) => state.applications);
  const standing = useDeployments((state) => state.standing);
  return (
    <>
      <header>
        <h1>Applications</h1>
        <p>{applications.size} of them</p>
        <span className={`standing ${standing}`}>{standing}</span>
      </header>
      <ul className={standing === "live" ? "applications" : "applications old"}>
        {[...applications.keys()].sort().map((key) => (
          <Card key={key} name={key} />
        ))}
      </ul>
    </>
  );
}

/** Rendered again only when its own application changed. */
const Card = memo(function Card({ name }: { name: string }) {
  const application = useDeployments((state) => state.applications.get(name));
  if (!application) return null;
  const { health, sync } = application;
  return (
    <li data-key={name} data-health={health?.status}>
      <strong>{application.name}</strong>
      <span className="health">{health?.status ?? "Unknown"}</span> <small>{sync?.status}</small>
    </li>
  );
});
