import { killsOnPostgres } from './on-postgres.ts'

await killsOnPostgres('jobs')
