import { contractOnPostgres } from './on-postgres.ts'

await contractOnPostgres({ part: 2, of: 2 })
