// Loaded into a program before its own code (`node --import`): SIGUSR2 sets its clock back by an hour, as an operator
// or a virtual machine does. Timers and `performance.now()` go on.

const RealDate = Date
let offset = 0

class SetDate extends RealDate {
  constructor(...given: [] | [value: string | number]) {
    super(given.length === 0 ? SetDate.now() : given[0])
  }

  static override now(): number {
    return RealDate.now() + offset
  }
}

globalThis.Date = SetDate as DateConstructor
process.on('SIGUSR2', () => {
  offset -= 3_600_000
})
