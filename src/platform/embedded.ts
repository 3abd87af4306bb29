import type { Platform } from './platform.ts'

/**
 * The platform that keeps accounts in the directory alone, for trying out and for tests: what the directory
 * wants is what there is, so nothing is left to apply.
 * @param version Usher's own
 */
export function embeddedPlatform(version: string): Platform {
  return {
    name: 'embedded',
    apply: async () => undefined,
    status: async () => ({ version, health: 'NORMAL' }),
  }
}
