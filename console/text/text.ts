import { createContext, useContext } from 'react'
import type { Text } from './en.ts'

export type { Text } from './en.ts'

export const LANGUAGES = ['en', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

const KEPT = 'usher-language'

/** The language that the person chose, else the first of the browser's that the console has. */
export function findLanguage(): Language {
  const wanted = [localStorage.getItem(KEPT) ?? '', ...navigator.languages]
  return wanted.map(toLanguage).find((one) => one !== undefined) ?? 'en'
}

function toLanguage(tag: string): Language | undefined {
  return LANGUAGES.find((one) => tag.toLowerCase().split('-')[0] === one)
}

/** Keeps the person's choice of a language in this browser. */
export function keepLanguage(language: Language): void {
  localStorage.setItem(KEPT, language)
}

/** Loads the texts of one language; the others stay on the server. */
export async function loadText(language: Language): Promise<Text> {
  return language === 'de' ? (await import('./de.ts')).de : (await import('./en.ts')).en
}

export const TextContext = createContext<Text | null>(null)

/** The texts of the person's language. */
export function useText(): Text {
  const text = useContext(TextContext)
  if (text === null) throw new Error('the texts are not loaded')
  return text
}
