import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Call, Step } from './strace.ts'

/** A disk writes sectors as a whole, in any order, until it is told to sync. */
const SECTOR = 512

/** Decides about each thing that was not synced whether it reached the disk: a sector, or a change of a name. */
export type Luck = () => boolean

/** A write or a truncation that no sync has covered yet. */
interface Change {
  readonly offset: number
  /** What is written; null for a truncation to `offset`. */
  data: Buffer | null
  /** Whether the call has ended. A sync covers only changes that had ended when it began. */
  ended: boolean
}

/** A file of the disk. It has no name: names are in folders, and have to be synced there. */
interface File {
  synced: Buffer
  changes: Change[]
  /** Its size for the programs. */
  size: number
}

/** Files by their path; null for a folder. */
type Names = Map<string, File | null>

/** A change of a name in a folder. */
interface Rename {
  readonly folder: string
  apply(names: Names): void
}

/**
 * A disk that is rebuilt from the calls of programs, and can lose its power after any of them. Only what POSIX promises
 * is kept: the content of a file after a sync of the file, and its name after a sync of its folder. A failed sync
 * drops what it should have written, as Linux does.
 */
export class Disk {
  readonly #root: string
  /** The names that programs see, and those that are on disk. The changes of one folder reach the disk in order. */
  readonly #names: Names = new Map()
  readonly #synced: Names = new Map()
  #renames: Rename[] = []
  readonly #running = new Map<Call, () => void>()

  /** @param root the folder to rebuild, which is empty; calls for other files are ignored */
  constructor(root: string) {
    this.#root = root
  }

  /** Takes the next step of a trace. Returns whether it concerned the folder. */
  take({ call, phase }: Step): boolean {
    if (!this.has(call.path)) return false
    if (phase === 'begin') this.#running.set(call, this.#begin(call))
    else {
      this.#running.get(call)?.()
      this.#running.delete(call)
    }
    return true
  }

  /** Returns whether a file is one of the disk. Locks and shared memory are not: the next process makes them anew. */
  has(path: string): boolean {
    return path.startsWith(this.#root) && !/-shm$|-serving(-journal)?$|\(deleted\)$/.test(path)
  }

  /** Returns whether anything would be lost with the power. */
  get isUnsynced(): boolean {
    return (
      this.#renames.length > 0 || [...this.#names.values()].some((file) => file && file.changes.length > 0)
    )
  }

  /** Writes what is left of the folder after a loss of power into another folder. */
  losePower(target: string, luck: Luck): void {
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { mode: 0o700 })
    const names = this.#namesLeft(luck)
    const contents = new Map<File, Buffer>()
    // A folder comes before what is in it.
    for (const path of [...names.keys()].sort()) {
      const file = names.get(path)
      const copy = `${target}${path.slice(this.#root.length)}`
      if (!existsSync(dirname(copy))) continue
      if (!file) {
        mkdirSync(copy, { mode: 0o700 })
        continue
      }
      const content = contents.get(file) ?? remains(file, luck)
      contents.set(file, content)
      writeFileSync(copy, content, { mode: 0o600 })
    }
  }

  #namesLeft(luck: Luck): Names {
    const names = new Map(this.#synced)
    const lost = new Set<string>()
    for (const { folder, apply } of this.#renames) {
      if (!lost.has(folder) && luck()) apply(names)
      else lost.add(folder)
    }
    return names
  }

  /** Begins a call. Returns what its end does. */
  #begin(call: Call): () => void {
    const file = this.#names.get(call.path)
    switch (call.name) {
      case 'openat':
        return () => this.#open(call)
      case 'unlink':
      case 'rename':
      case 'link':
        return () => this.#rename(call)
      case 'fsync':
      case 'fdatasync':
        return file ? beginSync(file, call) : this.#beginFolderSync(call)
      case 'ftruncate':
        return file ? beginChange(file, call, null) : ignore
      case 'write':
      case 'pwrite64':
        return file ? beginChange(file, call, call.data) : ignore
      case 'mkdir':
        return () => this.#makeFolder(call)
      default:
        throw new Error(`this disk does not know ${call.name}`)
    }
  }

  #open({ path, flags, result }: Call): void {
    if (result === undefined || result < 0) return
    const file = this.#names.get(path)
    if (file && flags.includes('O_TRUNC'))
      beginChange(file, { name: 'ftruncate', offset: 0, result: 0 }, null)()
    if (file || !flags.includes('O_CREAT')) return
    const made: File = { synced: Buffer.alloc(0), changes: [], size: 0 }
    this.#change(path, (names) => names.set(path, made))
  }

  #makeFolder({ path, result }: Call): void {
    if (result === 0) this.#change(path, (names) => names.set(path, null))
  }

  #rename({ name, path, to, result }: Call): void {
    const file = this.#names.get(path)
    if (result !== 0 || !file) return
    this.#change(path, (names) => {
      if (name !== 'unlink') names.set(to, file)
      if (name !== 'link') names.delete(path)
    })
  }

  #change(path: string, apply: (names: Names) => unknown): void {
    apply(this.#names)
    this.#renames.push({ folder: dirname(path), apply })
  }

  #beginFolderSync(call: Call): () => void {
    const covered = new Set(this.#renames.filter(({ folder }) => folder === call.path))
    return () => {
      if (call.result !== 0) return
      for (const { apply } of covered) apply(this.#synced)
      this.#renames = this.#renames.filter((rename) => !covered.has(rename))
    }
  }
}

const ignore = (): void => undefined

function beginChange(
  file: File,
  call: Pick<Call, 'name' | 'offset' | 'result'>,
  data: Buffer | null,
): () => void {
  const offset = call.name === 'write' ? file.size : call.offset
  const change: Change = { offset, data, ended: false }
  file.changes.push(change)
  file.size = data ? Math.max(file.size, offset + data.length) : offset
  return () => {
    change.ended = true
    // A call that was killed may have written everything.
    if (data && call.result !== undefined) change.data = data.subarray(0, Math.max(0, call.result))
  }
}

function beginSync(file: File, call: Call): () => void {
  const covered = new Set(file.changes.filter(({ ended }) => ended))
  return () => {
    if (call.result === undefined) return
    const written = call.result === 0 ? file.changes.filter((change) => covered.has(change)) : []
    for (const change of written) file.synced = apply(file.synced, change)
    file.changes = file.changes.filter((change) => !covered.has(change))
  }
}

/** Returns the content of a file after a loss of power. */
function remains({ synced, changes }: File, luck: Luck): Buffer {
  let content: Buffer = Buffer.from(synced)
  for (const change of changes)
    for (const part of toSectors(change)) if (luck()) content = apply(content, part)
  return content
}

function* toSectors(change: Change): Generator<Change> {
  const { offset, data } = change
  if (!data) return yield change
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + SECTOR - ((offset + at) % SECTOR))
    yield { ...change, offset: offset + at, data: data.subarray(at, end) }
    at = end
  }
}

function apply(content: Buffer, { offset, data }: Change): Buffer {
  const size = data ? Math.max(content.length, offset + data.length) : offset
  const room = size <= content.length ? content.subarray(0, size) : grow(content, size)
  data?.copy(room, offset)
  return room
}

/** Returns a longer buffer. Like a file, it can grow many times. */
function grow(content: Buffer, size: number): Buffer {
  // The rest of the allocation is zero: truncations below never leave old bytes behind a later growth.
  if (content.byteOffset + size <= content.buffer.byteLength && content.buffer.byteLength > 1 << 16) {
    const room = Buffer.from(content.buffer, content.byteOffset, size)
    room.fill(0, content.length)
    return room
  }
  const larger = Buffer.from(new ArrayBuffer(Math.max(1 << 17, size * 2)), 0, size)
  content.copy(larger)
  return larger
}
