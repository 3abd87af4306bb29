import { describe } from 'node:test'
import { signingKeysSuite } from './signing-keys.suite.ts'

describe('replacing the signing key', { concurrency: true }, signingKeysSuite)
