#!/usr/bin/env node
// Says that Node is too old, in a syntax that an old Node can read: no static import, no top-level await, and nothing
// newer than ES2018 but `import()`. A test runs the check of the syntax. Everything else begins in program.js.

const [major, minor] = process.versions.node.split('.').map(Number)

if (Number(major) < 24 || (Number(major) === 24 && Number(minor) < 15)) {
  process.stderr.write(
    `usher: Node 24.15 or newer is required, and this is ${process.versions.node} (${process.execPath})\n` +
      'Install a newer Node. In a clone, `npm ci --include=dev --ignore-scripts=false` brings one along,\n' +
      'which `npm start` and `npm run usher` find by themselves.\n',
  )
  process.exitCode = 1
} else {
  import('./program.js').then((program) => program.run())
}
