import { registerImportHook } from '../src/import-hook.js'

// Each test file is a process, and most of them load what a server loads.
registerImportHook()
