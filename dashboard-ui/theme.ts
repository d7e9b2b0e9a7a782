import { useEffect, useState } from "preact/hooks";

export type Theme = "auto" | "light" | "dark";

const themes: readonly Theme[] = ["auto", "light", "dark"];
const name = "afterword-dashboard-theme";

function stored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(name)) ?? "auto";
  } catch {
    return "auto";
  }
}

/** The theme, what comes of it, and a way to the next. */
export function useTheme(): { readonly theme: Theme; readonly colors: string; readonly next: () => void } {
  const [theme, setTheme] = useState(stored);
  const [isDark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const onChange = (): void => setDark(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, []);
  const colors = theme === "auto" ? (isDark ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = colors;
  const next = (): void => {
    const chosen = themes[(themes.indexOf(theme) + 1) % themes.length]!;
    setTheme(chosen);
    try {
      localStorage.setItem(name, chosen);
    } catch {
      // It is forgotten with the page then.
    }
  };
  return { theme, colors, next };
}
