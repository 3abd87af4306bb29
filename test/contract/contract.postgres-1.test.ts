import { contractOnPostgres } from './on-postgres.ts'

await contractOnPostgres({ part: 1, of: 2 })
