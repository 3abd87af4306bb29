// A call whose session has ended waits until the person has signed in again, in another tab. The page and its forms
// stay as they are meanwhile.

const channel = new BroadcastChannel('usher-session')
let waiting: (() => void)[] = []
let listener: (isOver: boolean) => void = () => {}
let isSamePerson: () => Promise<boolean> = async () => true

channel.addEventListener('message', async ({ data }) => {
  if (data !== 'signed-in' || waiting.length === 0) return
  // What waits must not be done in the name of another person.
  if (await isSamePerson()) goOn()
  else location.reload()
})

/** Returns when the person has signed in again. */
export function signInAgain(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    listener(true)
  })
}

/** Sends the waiting calls again. */
function goOn(): void {
  const calls = waiting
  waiting = []
  listener(false)
  for (const resend of calls) resend()
}

/** Tells this and other tabs that the person has signed in. */
export function announceSignIn(): void {
  channel.postMessage('signed-in')
}

/**
 * Sets what is told when the session has ended, and when it goes on.
 * @param isSame returns whether the person who has signed in is the one of this page
 * @returns what takes it back
 */
export function onSessionOver(told: (isOver: boolean) => void, isSame: () => Promise<boolean>): () => void {
  listener = told
  isSamePerson = isSame
  return () => {
    listener = () => {}
  }
}
