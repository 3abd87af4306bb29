import { onPostgres } from '../support/engine.ts'

await onPostgres(import.meta.dirname)
