import { dropLeases } from './accounts/leases.ts'
import type { Tx } from './port.ts'
import { dropJobLeases } from './tables/job-leases.ts'
import { dropWebhookLeases } from './tables/webhook-turns.ts'

/** Ends the leases of accounts, jobs and webhooks. To be used only if no other server uses the store. */
export async function dropAllLeases(tx: Tx): Promise<void> {
  await dropLeases(tx)
  await dropJobLeases(tx)
  await dropWebhookLeases(tx)
}
