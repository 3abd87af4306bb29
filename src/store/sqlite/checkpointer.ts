import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

// A package has JavaScript in place of the TypeScript files.
const THREAD = new URL(`./checkpoint-thread${extname(import.meta.url)}`, import.meta.url)

/** Copies the log into the file in a thread of its own, while commits go on. */
export class Checkpointer {
  readonly #worker: Worker
  #state: 'idle' | 'running' | 'ended' = 'idle'

  constructor(path: string) {
    this.#worker = new Worker(THREAD, { workerData: path })
    this.#worker.on('message', () => {
      this.#state = 'idle'
    })
    // Without this thread, commits copy the log.
    for (const event of ['error', 'exit'])
      this.#worker.on(event, () => {
        this.#state = 'ended'
      })
    this.#worker.unref()
  }

  /** Whether the log is being copied. No commit can begin a new log meanwhile. */
  get isRunning(): boolean {
    return this.#state === 'running'
  }

  /** Begins to copy the log. Does nothing while it is being copied, or when the thread has ended. */
  begin(): void {
    if (this.#state !== 'idle') return
    this.#state = 'running'
    this.#worker.postMessage(true)
  }

  /** Waits for the end of a copy, and ends the thread. */
  async close(): Promise<void> {
    if (this.#state === 'ended') return
    this.#worker.ref()
    this.#worker.postMessage(false)
    await new Promise((resolve) => this.#worker.on('exit', resolve))
  }
}
