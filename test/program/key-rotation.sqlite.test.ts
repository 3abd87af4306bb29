import { describe } from 'node:test'
import { rounds } from '../../testing/full-length.ts'
import { killedRotationSuite, rotationSuite, settingRotationSuite } from './key-rotation.suite.ts'

describe('rotating the master key while Usher serves', { concurrency: true }, () => {
  rotationSuite(['both', 'creates', 'reads'])
  killedRotationSuite(rounds(2, 6))
  settingRotationSuite()
})
