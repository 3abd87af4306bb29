import { together } from '../support/together.ts'

await together(import.meta.dirname, { part: 1, of: 1 })
