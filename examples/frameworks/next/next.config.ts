import type { NextConfig } from "next";

const config: NextConfig = {
  // One copy of it for all routes, which finds its own files.
  serverExternalPackages: ["afterword"],
};

export default config;
