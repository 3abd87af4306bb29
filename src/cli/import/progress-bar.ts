import type { TextSink } from '../../logger.ts'

const WIDTH = 30
const EVERY_MS = 100

/** One line on a terminal that shows how far long work is. On anything else it shows nothing. */
export class ProgressBar {
  readonly #sink: TextSink
  readonly #beganAt = performance.now()
  #shownAt = 0
  #isShown = false

  /** @param sink standard error: standard output has the results */
  constructor(sink: TextSink) {
    this.#sink = sink
  }

  /**
   * Shows progress, at most ten times a second.
   * @param part how much is done, from 0 to 1
   * @param rows the number of rows that are done
   */
  show(part: number, rows: number): void {
    const now = performance.now()
    if (!this.#sink.isTTY || now - this.#shownAt < EVERY_MS) return
    this.#shownAt = now
    this.#isShown = true
    const done = Math.round(Math.min(part, 1) * WIDTH)
    const seconds = (now - this.#beganAt) / 1000
    const bar = `[${'#'.repeat(done)}${'-'.repeat(WIDTH - done)}] ${Math.floor(part * 100)} %`
    this.#sink.write(`\r${bar}, ${rows} rows, ${Math.round(rows / seconds)} a second\x1b[K`)
  }

  /** Takes the line away, so that other output does not end up in it. */
  clear(): void {
    if (this.#isShown) this.#sink.write('\r\x1b[K')
    this.#isShown = false
    this.#shownAt = 0
  }
}
