import { after } from 'node:test'
import { together } from '../support/together.ts'
import { endSharedTargets } from './target.ts'

after(endSharedTargets)
await together(import.meta.dirname, { part: 2, of: 2 })
