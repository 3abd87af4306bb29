import { after, before, test } from 'node:test'
import { ListBucketsCommand, S3ServiceException } from '@aws-sdk/client-s3'
import { type StartedTarget, startTarget } from '../../testing/target.ts'
import { liveADay } from '../support/day-at-a-provider.ts'
import { adoptTenant, gateway, removeTenants, s3 } from './gateway.ts'

let target: StartedTarget

before(async () => {
  target = await startTarget({
    USHER_CEPH_RGW_URL: gateway.url,
    USHER_CEPH_RGW_ACCESS_KEY: gateway.accessKey,
    USHER_CEPH_RGW_SECRET_KEY: gateway.secretKey,
    USHER_CEPH_RGW_S3_URL: gateway.url,
  })
})

after(async () => {
  await target.end()
  await removeTenants()
})

test('a day at a provider, with S3 keys that work and stop working', async () => {
  await liveADay(target, {
    adopt: adoptTenant,
    async works(key) {
      const refused = await s3(key)
        .send(new ListBucketsCommand({}))
        .then(
          () => null,
          (error: unknown) => error,
        )
      if (refused !== null && !(refused instanceof S3ServiceException)) throw refused
      return refused === null
    },
  })
})
