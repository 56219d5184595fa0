import { Applications } from "./applications";
import { readState } from "./gateway";

// For each request anew, never while building.
export const dynamic = "force-dynamic";

export default async function Page() {
  return <Applications from={await readState()} />;
}
