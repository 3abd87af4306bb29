/** Whether tests run at full length, as `npm run test:all` does. Nothing else reads this variable. */
export const FULL_LENGTH = process.env.USHER_TEST_FULL === '1'

/**
 * Returns how many rounds a test runs that proves more with more rounds, such as kills at random moments.
 * @param short by default: enough to meet every case once
 * @param full at full length
 */
export function rounds(short: number, full: number): number {
  return FULL_LENGTH ? full : short
}
