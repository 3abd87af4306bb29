import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

// A package has JavaScript in place of the TypeScript files.
const THREAD = new URL(`./checkpoint-thread${extname(import.meta.url)}`, import.meta.url)

/** `release` lets commits begin a new log again. */
export type ToCheckpointThread = 'copy' | 'release' | 'close'
/** `kept` says that no commit can begin a new log until `release`. */
export type FromCheckpointThread = 'kept' | 'copied'

/** Copies the log into the file in a thread of its own, while commits go on. */
export class Checkpointer {
  readonly #worker: Worker
  #state: 'idle' | 'begun' | 'keeping' | 'ended' = 'idle'

  constructor(path: string) {
    this.#worker = new Worker(THREAD, { workerData: path })
    this.#worker.on('message', (message: FromCheckpointThread) => {
      this.#state = message === 'kept' ? 'keeping' : 'idle'
      // Not before the state has changed: commits that rely on it have ended.
      if (message === 'copied') this.#send('release')
    })
    // Without this thread, commits copy the log.
    for (const event of ['error', 'exit'])
      this.#worker.on(event, () => {
        this.#state = 'ended'
      })
    this.#worker.unref()
  }

  /** Whether the log is being copied. */
  get isRunning(): boolean {
    return this.#state === 'begun' || this.#state === 'keeping'
  }

  /** Whether the log is kept in use: no commit that ends before the next message is read can begin a new log. */
  get keepsLog(): boolean {
    return this.#state === 'keeping'
  }

  /** Begins to copy the log. Does nothing while it is being copied, or when the thread has ended. */
  begin(): void {
    if (this.#state !== 'idle') return
    this.#state = 'begun'
    this.#send('copy')
  }

  /** Waits for the end of a copy, and ends the thread. */
  async close(): Promise<void> {
    if (this.#state === 'ended') return
    this.#worker.ref()
    this.#send('close')
    await new Promise((resolve) => this.#worker.on('exit', resolve))
  }

  #send(message: ToCheckpointThread): void {
    this.#worker.postMessage(message)
  }
}
