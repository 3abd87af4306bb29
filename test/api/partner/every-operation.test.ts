import { accessSuite } from './access.suite.ts'
import { idempotencySuite } from './idempotency.suite.ts'

// Both suites share a server.
accessSuite()
idempotencySuite()
