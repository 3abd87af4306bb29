import type { Directory } from '../../directory/directory.ts'
import { updateWebhook } from '../../directory/webhook-changes.ts'
import { rotateWebhook } from '../../directory/webhook-rotation.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listDeadLetters,
  listWebhooks,
  replayWebhook,
} from '../../directory/webhooks.ts'
import type { Webhook } from '../../model/webhooks.ts'
import type { WebhookSender } from '../../webhooks/sender.ts'
import { testWebhook } from '../../webhooks/test-event.ts'
import { type Route, route } from '../route.ts'
import { toPreviousUntil } from './rotation.ts'
import { failures, Headers, locationHeader, NoBody, Responds, WriteHeaders } from './schemas.ts'
import {
  DeadLetterList,
  DeadLetterQuery,
  IssuedWebhookModel,
  NewWebhookModel,
  ReplayedModel,
  ReplayModel,
  RotatedWebhookModel,
  TestedModel,
  WebhookChangesModel,
  WebhookList,
  WebhookModel,
  WebhookParams,
  WebhookRotation,
} from './webhook-schemas.ts'

/** What the routes of webhooks need. */
export interface WebhookParts {
  readonly dir: Directory
  readonly webhooks: WebhookSender
}

const about = (operationId: string, summary: string, description: string) =>
  ({ operationId, tags: ['Webhooks'], ours: true, summary, description: `Ours. ${description}` }) as const

const url = '/webhooks/:webhookId'
const subject = { target: 'webhookId' } as const

/** The routes that change webhooks. The documents of the partner portal have no webhooks. */
const changes: readonly Route<WebhookParts>[] = [
  route({
    operation: 'CreateWebhook',
    method: 'POST',
    url: '/webhooks',
    document: about(
      'CreateWebhook',
      'Create a webhook',
      'The receiver gets the events of the organization of the context, from now on: see docs/webhooks.md.',
    ),
    schemas: { headers: WriteHeaders, body: NewWebhookModel },
    responses: {
      201: Responds(IssuedWebhookModel, 'Created, with its secret.', locationHeader),
      ...failures,
    },
    async handle({ ctx, body }, { dir, webhooks: { receivers } }) {
      const issued = await createWebhook(dir, ctx, { ...body, receivers })
      return { status: 201, headers: { location: `/v1/webhooks/${issued.id}` }, body: issued }
    },
  }),
  route({
    operation: 'UpdateWebhook',
    subject,
    method: 'PATCH',
    url,
    document: about(
      'UpdateWebhook',
      'Update a webhook',
      'Its place in the log, its secret and its dead letters stay. A new URL gets what waits, too, at once. What waits ' +
        'of operations that are left out is dropped.',
    ),
    schemas: { headers: WriteHeaders, params: WebhookParams, body: WebhookChangesModel },
    responses: { 204: NoBody('No Content: the webhook is as the body says.'), ...failures },
    async handle({ ctx, params, body }, { dir, webhooks: { receivers } }) {
      await updateWebhook(dir, ctx, { id: params.webhookId, changes: body, receivers })
      return { status: 204 }
    },
  }),
  route({
    operation: 'DeleteWebhook',
    subject,
    method: 'DELETE',
    url,
    document: about('DeleteWebhook', 'Delete a webhook', 'What waits for it is deleted, too.'),
    schemas: { headers: Headers, params: WebhookParams },
    responses: { 204: NoBody('Deleted.'), ...failures },
    async handle({ ctx, params }, { dir }) {
      await deleteWebhook(dir, ctx, params.webhookId)
      return { status: 204 }
    },
  }),
  route({
    operation: 'ReplayWebhook',
    subject,
    method: 'POST',
    url: `${url}/replay`,
    document: about(
      'ReplayWebhook',
      'Send events again',
      'Sends everything from a time or an event on, or what was given up. Receivers know repeats by their ids.',
    ),
    schemas: { headers: WriteHeaders, params: WebhookParams, body: ReplayModel },
    responses: { 200: Responds(ReplayedModel, 'OK'), ...failures },
    async handle({ ctx, params, body }, { dir }) {
      const deadLetters = await replayWebhook(dir, ctx, { ...body, id: params.webhookId })
      return { status: 200, body: { deadLetters } }
    },
  }),
  route({
    operation: 'RotateWebhook',
    subject,
    method: 'POST',
    url: `${url}/rotate`,
    document: about(
      'RotateWebhook',
      'Rotate the secret of a webhook',
      'Replaces the secret. For some time events have a signature of the former one, too, so that the receiver can be ' +
        'given the new one without an interruption. What waits for the webhook stays.',
    ),
    schemas: { headers: WriteHeaders, params: WebhookParams, body: WebhookRotation },
    responses: { 200: Responds(RotatedWebhookModel, 'OK'), ...failures },
    async handle({ ctx, params, body }, { dir }) {
      const rotation = { id: params.webhookId, previousUntil: toPreviousUntil(body) }
      const { id, secret, previousUntil } = await rotateWebhook(dir, ctx, rotation)
      return { status: 200, body: { id, secret, oldSecretValidUntil: previousUntil } }
    },
  }),
  route({
    operation: 'TestWebhook',
    subject,
    method: 'POST',
    url: `${url}/test`,
    document: about(
      'TestWebhook',
      'Send a test event',
      'Sends one event of the type `Test`, once, and returns how the receiver responded.',
    ),
    schemas: { headers: WriteHeaders, params: WebhookParams },
    responses: { 200: Responds(TestedModel, 'OK: the event was sent, and accepted or not.'), ...failures },
    async handle({ ctx, params }, { dir, webhooks }) {
      return { status: 200, body: await testWebhook(dir, ctx, { id: params.webhookId, sender: webhooks }) }
    },
  }),
]

/** The routes of webhooks. */
export const webhookRoutes: readonly Route<WebhookParts>[] = [
  ...changes,
  route({
    operation: 'ListWebhooks',
    method: 'GET',
    url: '/webhooks',
    document: about(
      'ListWebhooks',
      'List webhooks',
      'Those of the organization of the context, and below it.',
    ),
    schemas: { headers: Headers },
    responses: { 200: Responds(WebhookList, 'OK'), ...failures },
    async handle({ ctx }, { dir }) {
      return { status: 200, body: (await listWebhooks(dir, ctx)).map(toModel) }
    },
  }),
  route({
    operation: 'GetWebhook',
    subject,
    method: 'GET',
    url,
    document: about('GetWebhook', 'Get a webhook', 'Returns the webhook with the state of its deliveries.'),
    schemas: { headers: Headers, params: WebhookParams },
    responses: { 200: Responds(WebhookModel, 'OK'), ...failures },
    async handle({ ctx, params }, { dir }) {
      return { status: 200, body: toModel(await getWebhook(dir, ctx, params.webhookId)) }
    },
  }),
  route({
    operation: 'ListDeadLetters',
    subject,
    method: 'GET',
    url: `${url}/dead-letters`,
    document: about(
      'ListDeadLetters',
      'List the events that were given up',
      'An event is given up when the receiver has not accepted it for 24 hours, or as the operator has set.',
    ),
    schemas: { headers: Headers, params: WebhookParams, querystring: DeadLetterQuery },
    responses: { 200: Responds(DeadLetterList, 'OK'), ...failures },
    async handle({ ctx, params, query }, { dir }) {
      const { after = 0, limit = 100 } = query
      const letters = await listDeadLetters(dir, ctx, { id: params.webhookId, after, limit })
      return { status: 200, body: letters }
    },
  }),
]

function toModel({ operations, secretAt, oldSecretUntil, ...webhook }: Webhook) {
  const secrets = { secretCreatedAt: secretAt, oldSecretValidUntil: oldSecretUntil }
  return { ...webhook, ...secrets, operations: operations && [...operations] }
}
