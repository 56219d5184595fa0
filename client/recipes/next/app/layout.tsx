import type { Metadata } from "next";
import "./look.css";

export const metadata: Metadata = { title: "Applications" };

export default function Layout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en">
      <body>
        <main>{children}</main>
      </body>
    </html>
  );
}
