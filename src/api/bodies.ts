import type { IncomingHttpHeaders } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../logger.ts'
import { findDeepNesting, findJsonFault, findUtf8Fault } from './json-faults.ts'

const KIB = 1024

/** The largest bodies of routes, in bytes. Every valid request fits, even if all of its characters are escaped. */
export const BODY_LIMITS = {
  /** Requests for tokens, which anyone can send. */
  credentials: 16 * KIB,
  /** Every route that says nothing else. */
  usual: 128 * KIB,
  /** Lists of orgs. */
  orgs: 768 * KIB,
} as const

/** Why a body could not be read. */
export type BodyFault = 'malformed' | 'too_large' | 'unsupported'

/** A body that could not be read. The message begins with a verb, and quotes nothing of the body. */
export class BodyError extends Error {
  readonly fault: BodyFault
  readonly headers: Readonly<Record<string, string>>

  constructor(fault: BodyFault, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'BodyError'
    this.fault = fault
    this.headers = headers
  }
}

/** There is no room for a body, because the bodies of other requests take all of it. */
export class OverloadedError extends Error {
  /** Without it, Fastify's reader of bodies would set 400. */
  readonly statusCode = 503
  readonly headers = { connection: 'close', 'retry-after': '1' }

  constructor() {
    super('Too many large requests arrive at the moment.')
    this.name = 'OverloadedError'
  }
}

/**
 * Translates Fastify's errors about bodies. Returns any other error as it is.
 * @param mediaType the one that the API takes
 */
export function toBodyError(error: Error, request: FastifyRequest, mediaType: string): Error {
  switch ((error as { code?: string }).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new BodyError('too_large', `is larger than ${request.routeOptions.bodyLimit / KIB} KiB`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new BodyError('unsupported', `must be ${mediaType}`)
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new BodyError('malformed', 'is not as long as its Content-Length says')
    default:
      return error
  }
}

/** The deepest JSON that is parsed: much deeper than that of any request. */
const MAX_DEPTH = 100

/**
 * Finds out why the bytes of a JSON body must not be parsed: they are not UTF-8, and decoding would replace a broken
 * sequence with U+FFFD; or they nest so deeply that parsing would take ten times longer than for other JSON.
 */
export function findBodyFault(body: Buffer): BodyError | null {
  const fault = findUtf8Fault(body)
  if (fault !== undefined) return new BodyError('malformed', `is not UTF-8: see byte ${fault}`)
  const position = findDeepNesting(body, MAX_DEPTH)
  if (position === undefined) return null
  return new BodyError('malformed', `nests more than ${MAX_DEPTH} levels deep: see position ${position}`)
}

/** Explains where a text stops being JSON. Positions count characters from 0, without a byte-order mark. */
export function explainJsonFault(text: string): BodyError {
  const position = findJsonFault(text) ?? text.length
  const end = position === text.length ? 'it ends too early, at' : 'see'
  return new BodyError('malformed', `is not JSON: ${end} position ${position}`)
}

/** A body that is being received, or whose request is being handled. */
interface HeldBody {
  bytes: number
  readonly since: number
  /** Ends the receiving of the body. */
  readonly cut: (error: Error) => void
}

/** How long a body may take to arrive while others need its room, in milliseconds. */
const GRACE_MS = 2_000

/**
 * Bounds the memory that bodies take until their requests end. If there is no room for a body, the ones that have taken
 * longer than GRACE_MS to arrive are given up for it, the oldest first. So slow senders cannot keep the room.
 */
export class BodyRoom {
  readonly #bytes: number
  readonly #reportFull: () => void
  readonly #now: () => number
  readonly #arriving = new Set<HeldBody>()
  #used = 0

  /**
   * @param bytes how many bytes all bodies may have together
   * @param reportFull called for each body that is refused or given up
   */
  constructor(bytes: number, reportFull: () => void, now: () => number = () => performance.now()) {
    this.#bytes = bytes
    this.#reportFull = reportFull
    this.#now = now
  }

  /** Enters a body that begins to arrive. */
  enter(cut: (error: Error) => void): HeldBody {
    const body = { bytes: 0, since: this.#now(), cut }
    this.#arriving.add(body)
    return body
  }

  /**
   * Sets the size that a body has by now.
   * @returns false if there is no room for it; then it takes none
   */
  grow(body: HeldBody, bytes: number): boolean {
    this.#used += bytes - body.bytes
    body.bytes = bytes
    for (const other of this.#arriving) {
      if (this.#used <= this.#bytes || this.#now() - other.since < GRACE_MS) break
      if (other !== body) this.#giveUp(other)
    }
    if (this.#used <= this.#bytes) return true
    this.leave(body)
    this.#reportFull()
    return false
  }

  /** Notes that a body has arrived. It keeps its room until it leaves. */
  settle(body: HeldBody): void {
    this.#arriving.delete(body)
  }

  /** Frees the room of a body. It may be called again. */
  leave(body: HeldBody): void {
    this.#arriving.delete(body)
    this.#used -= body.bytes
    body.bytes = 0
  }

  #giveUp(body: HeldBody): void {
    this.leave(body)
    this.#reportFull()
    body.cut(new OverloadedError())
  }
}

const MIB = 1024 * KIB

/** The rooms for bodies. Callers who are not authenticated have their own, so that they cannot fill the other one. */
export interface BodyRooms {
  readonly open: BodyRoom
  readonly admitted: BodyRoom
}

/** Makes the rooms of a process: 2 MiB for bodies on open routes, 8 MiB for those of admitted callers. */
export function newBodyRooms(log: Logger): BodyRooms {
  const reportFull = newFullReport(log)
  return { open: new BodyRoom(2 * MIB, reportFull), admitted: new BodyRoom(8 * MIB, reportFull) }
}

/** How long refused bodies are counted for one line of the log, in milliseconds. */
const REPORT_MS = 60_000

/** Returns a function that logs the first refused body at once, and the number of the others a minute later. */
function newFullReport(log: Logger): () => void {
  let refused = 0
  const summarize = (): void => {
    if (refused > 1) log.warn({ count: refused }, 'large bodies were refused in the last minute')
    refused = 0
  }
  return () => {
    if (refused++ > 0) return
    log.warn('a large body is refused, because others take all the memory that there is for bodies')
    setTimeout(summarize, REPORT_MS).unref()
  }
}

/** Bodies of up to this many bytes are not counted: the connection that carries one takes more memory. */
export const UNCOUNTED_BYTES = 4_096
/** What a chunk takes in memory in addition to its bytes. */
const CHUNK_BYTES = 512

/**
 * Looks at a body before it is read, if it is not a plain small one. Its bytes count in the room until its request ends.
 * @returns the stream to read the body from; undefined if there is no body that will be read
 * @throws {BodyError} for a coding that is not supported
 */
export function reviewBody(
  { raw, headers, method, routeOptions, is404 }: FastifyRequest,
  reply: FastifyReply,
  rooms: BodyRooms,
): Readable | undefined {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
  if (!hasBody || is404 || method === 'GET' || method === 'HEAD') return undefined
  if (!isIdentity(headers)) throw unsupportedCoding()
  const room = routeOptions.config.open ? rooms.open : rooms.admitted
  let size = 0
  const counted = new Transform({
    transform(chunk: Buffer, _, next) {
      size += chunk.length + CHUNK_BYTES
      next(room.grow(body, size) ? null : new OverloadedError(), chunk)
    },
    flush(next) {
      room.settle(body)
      next()
    },
  })
  // The reader of the body stops listening after its first error.
  counted.on('error', () => undefined)
  const body = room.enter((error) => counted.destroy(error))
  reply.raw.once('close', () => {
    room.leave(body)
    raw.unpipe(counted).resume()
  })
  raw.once('error', (error) => counted.destroy(error))
  // What still arrives of a body that was refused is read and dropped, so that the caller gets to read the response.
  counted.once('close', () => raw.resume())
  // Begins when there is a reader: one that comes later would miss an error, and never end.
  counted.once('resume', () => raw.pipe(counted))
  return counted
}

/** Returns whether a body is sent as it is, without a coding. */
export function isIdentity({ 'content-encoding': coding = '' }: IncomingHttpHeaders): boolean {
  return coding.split(',').every((one) => /^(identity)?$/i.test(one.trim()))
}

/** RFC 9110 section 15.5.16: the response names the codings that would have been accepted. */
function unsupportedCoding(): BodyError {
  const message = 'must be sent without a Content-Encoding, or with identity'
  return new BodyError('unsupported', message, { 'accept-encoding': 'identity' })
}
