import { accessSuite } from './access.suite.ts'
import { anyInputSuite } from './any-input.suite.ts'
import { idempotencySuite } from './idempotency.suite.ts'

// All suites share a server.
accessSuite()
idempotencySuite()
anyInputSuite()
