import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { keepLanguage, type Language, loadText, type Text, TextContext } from '../text/text.ts'

const LanguageContext = createContext<(language: Language) => void>(() => {})

/** Gives every page the texts of the person's language. */
export function TextProvider({ first, children }: { first: Text; children: ReactNode }) {
  const [text, setText] = useState(first)
  useEffect(() => {
    document.documentElement.lang = text.language
  }, [text])
  const choose = (language: Language) => {
    keepLanguage(language)
    loadText(language).then(setText)
  }
  return (
    <TextContext value={text}>
      <LanguageContext value={choose}>{children}</LanguageContext>
    </TextContext>
  )
}

/** Returns what changes the language. */
export function useLanguageChoice(): (language: Language) => void {
  return useContext(LanguageContext)
}
