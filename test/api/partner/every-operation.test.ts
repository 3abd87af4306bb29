import { accessSuite } from './access.suite.ts'
import { anyInputSuite } from './any-input.suite.ts'
import { idempotencySuite } from './idempotency.suite.ts'
import { refusedCallsSuite } from './refused-calls.suite.ts'

// All suites share a server.
accessSuite()
idempotencySuite()
refusedCallsSuite()
anyInputSuite()
