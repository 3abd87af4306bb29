import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { Button } from '../kit/button.tsx'
import { Modal } from '../kit/modal.tsx'
import { isTyping } from '../kit/table.tsx'
import { useText } from '../text/text.ts'

type FindComponent = typeof import('./find.tsx').Find
let loaded: FindComponent | null = null

async function loadFind(): Promise<FindComponent> {
  loaded = (await import('./find.tsx')).Find
  return loaded
}

const OPEN = 'usher-open'

/** Opens Find. */
export function openFind(): void {
  dispatchEvent(new CustomEvent(OPEN, { detail: 'find' }))
}

/** Opens the list of keyboard shortcuts. */
export function showShortcuts(): void {
  dispatchEvent(new CustomEvent(OPEN, { detail: 'help' }))
}

const KEPT = 'usher-letters'

/** Whether single letters are shortcuts in this browser (WCAG 2.2, 2.1.4). */
export function hasLetters(): boolean {
  return localStorage.getItem(KEPT) !== 'off'
}

/** Keeps whether single letters are shortcuts. */
export function keepLetters(isOn: boolean): void {
  localStorage.setItem(KEPT, isOn ? 'on' : 'off')
}

/** The keyboard shortcuts of every page, and the dialogs that they open. */
export function Shortcuts() {
  const [dialog, setDialog] = useState<'find' | 'help' | null>(null)
  const navigate = useNavigate()
  const queries = useQueryClient()
  useEffect(() => {
    // Find opens at once when it is first wanted.
    const timer = setTimeout(() => loadFind().catch(() => undefined), 200)
    return () => clearTimeout(timer)
  }, [])
  useEffect(() => {
    // The dialog opens before the next key is pressed, so that the letter goes into its field.
    const open = (event: Event) => flushSync(() => setDialog((event as CustomEvent<'find' | 'help'>).detail))
    const refresh = () => void queries.invalidateQueries()
    let afterG = false
    const press = (event: KeyboardEvent) => {
      const wasG = afterG
      afterG = false
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        openFind()
        return
      }
      const isFree =
        !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector('dialog[open]')
      if (!isFree || !hasLetters() || isTyping(event.target ?? document.body)) return
      afterG = event.key === 'g' && !wasG
      const act = wasG ? PLACES[event.key] : event.key === 'r' ? refresh : ACTIONS[event.key]
      if (!act) return
      event.preventDefault()
      if (typeof act === 'string') navigate({ to: act })
      else act()
    }
    addEventListener(OPEN, open)
    addEventListener('keydown', press)
    return () => {
      removeEventListener(OPEN, open)
      removeEventListener('keydown', press)
    }
  }, [navigate, queries])
  const close = () => setDialog(null)
  if (dialog === 'help') return <Help onClose={close} />
  return dialog === 'find' ? <FindDialog onClose={close} /> : null
}

/** After what time Find is loaded again if the server was away. */
const AGAIN_MS = 1_000

/** Find, and a field in its place until it is loaded: no letter that people type gets lost. */
function FindDialog({ onClose }: { onClose: () => void }) {
  const { finder, shell } = useText()
  const typed = useRef('')
  const [Find, setFind] = useState(() => loaded)
  useEffect(() => {
    if (Find) return
    let timer: ReturnType<typeof setTimeout>
    const later = () => {
      timer = setTimeout(load, AGAIN_MS)
    }
    const load = () => loadFind().then((component) => setFind(() => component), later)
    load()
    return () => clearTimeout(timer)
  }, [Find])
  if (Find) return <Find typed={typed} onClose={onClose} />
  return (
    <Modal title={finder.title} onClose={onClose} isWide>
      <input
        type="search"
        aria-label={shell.find}
        onChange={({ target }) => {
          typed.current = target.value
        }}
      />
    </Modal>
  )
}

/** Where `g` and a letter lead. */
const PLACES: Readonly<Record<string, string>> = { u: '/users', o: '/organizations', a: '/audit' }

/** What single letters do: a page marks its search and its main actions. */
const ACTIONS: Readonly<Record<string, () => void>> = {
  '/': () => document.querySelector<HTMLElement>('[data-page-search]')?.focus(),
  n: () => document.querySelector<HTMLElement>('main [aria-keyshortcuts="n"]')?.click(),
  e: () => document.querySelector<HTMLElement>('main [aria-keyshortcuts="e"]')?.click(),
  '?': showShortcuts,
}

function Help({ onClose }: { onClose: () => void }) {
  const { shell, close } = useText()
  const { keys, thenKey } = shell
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['Ctrl K'], keys.find],
    [['/'], keys.search],
    [['j'], keys.next],
    [['k'], keys.previous],
    [['Enter'], keys.open],
    [['n'], keys.new],
    [['e'], keys.edit],
    [['r'], keys.refresh],
    [['g', 'u'], keys.goUsers],
    [['g', 'o'], keys.goOrganizations],
    [['g', 'a'], keys.goAudit],
    [['?'], keys.help],
    [['Esc'], keys.escape],
  ]
  return (
    <Modal title={shell.shortcuts} onClose={onClose}>
      <dl className="facts">
        {rows.map(([pressed, meaning]) => (
          <div key={meaning + pressed} style={{ display: 'contents' }}>
            <dt>
              {pressed.map((key, at) => (
                <span key={key}>
                  {at > 0 && ` ${thenKey} `}
                  <kbd>{key}</kbd>
                </span>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <Button onClick={onClose}>{close}</Button>
    </Modal>
  )
}
