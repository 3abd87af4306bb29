export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEPT = 'usher-theme'

/** The colours that the person chose in this browser. */
export function findTheme(): Theme {
  const kept = localStorage.getItem(KEPT)
  return THEMES.find((one) => one === kept) ?? 'system'
}

/** Keeps the person's choice in this browser, and shows it. */
export function keepTheme(theme: Theme): void {
  localStorage.setItem(KEPT, theme)
  applyTheme(theme)
}

/** Shows the page in these colours. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}
