import { writeFileSync } from 'node:fs'
import { OPERATING, renewSettings } from './settings-table.ts'

/** `npm run settings`: writes the table of the settings into docs/operating.md. */
writeFileSync(OPERATING, renewSettings())
