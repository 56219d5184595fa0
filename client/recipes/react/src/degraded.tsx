import { useQuery } from "@tanstack/react-query";
import { APPLICATIONS, type Applications } from "./query";

const findDegraded = (applications: Applications) =>
  [...applications.values()].filter(({ health }) => health?.status === "Degraded").map(({ name }) => name);

export function Degraded() {
  const { data } = useQuery({ queryKey: APPLICATIONS, select: findDegraded });
  return <p className="degraded">Degraded: {data?.join(", ") || "none"}</p>;
}
