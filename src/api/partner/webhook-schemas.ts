import { Type } from '../../json-schema.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { EVENT_OPERATIONS, MAX_WEBHOOK_URL, MAX_WEBHOOKS } from '../../model/webhooks.ts'
import { newRotationModel } from './rotation.ts'
import { nullable, uuid } from './schemas.ts'

const url = Type.String({
  minLength: 1,
  maxLength: MAX_WEBHOOK_URL,
  description: 'The URL of the receiver: https, without user, password and fragment.',
  examples: ['https://billing.example.com/usher'],
})

const operations = Type.Unsafe<string[] | null>({
  type: ['array', 'null'],
  minItems: 1,
  maxItems: EVENT_OPERATIONS.length,
  description: 'The operations whose events are sent; null for all.',
  items: { type: 'string', enum: [...EVENT_OPERATIONS] },
})

export const WebhookParams = Type.Object({ webhookId: uuid('GUID Unique identifier for the webhook.') })

const optional = {
  name: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength: MAX_TEXT,
      description: 'A name that lists show for the webhook.',
    }),
  ),
  operations: Type.Optional(operations),
}

export const NewWebhookModel = Type.Object(
  { url, ...optional },
  {
    title: 'NewWebhookModel',
    description: `A webhook of the organization of the context, which has at most ${MAX_WEBHOOKS}.`,
    examples: [{ url: 'https://billing.example.com/usher', name: 'Billing', operations: null }],
  },
)

export const WebhookChangesModel = Type.Object(
  { url: Type.Optional(url), ...optional },
  {
    title: 'WebhookChanges',
    description: 'The members that change. Those that are left out stay as they are.',
    examples: [{ url: 'https://billing.example.com/events', operations: ['CreateUser', 'DeleteUser'] }],
  },
)

export const IssuedWebhookModel = Type.Object(
  {
    id: uuid('The id of the webhook.'),
    secret: Type.String({
      description: 'The secret that signs events: `whsec_` and base64. It is shown only here.',
    }),
  },
  { title: 'IssuedWebhookModel' },
)

export const WebhookRotation = newRotationModel(
  'WebhookRotation',
  'Until when events are signed with the former secret, too, at most 90 days from now; the secrets before it end then ' +
    'too. In 24 hours when absent: then the secrets before it keep their times. Null ends all of them within 30 seconds.',
)

export const RotatedWebhookModel = Type.Object(
  {
    ...IssuedWebhookModel.properties,
    oldSecretValidUntil: nullable(
      'Until when events are signed with the former secret, too; null if it has ended.',
      'date-time',
    ),
  },
  { title: 'RotatedWebhookModel' },
)

const times = {
  createdAt: Type.String({ format: 'date-time', description: 'When the webhook was made.' }),
  secretCreatedAt: Type.String({ format: 'date-time', description: 'When the secret was made.' }),
  oldSecretValidUntil: nullable(
    'Until when events are signed with a replaced secret, too; null if none is.',
    'date-time',
  ),
  deliveredAt: nullable('When the receiver last accepted an event.', 'date-time'),
}

export const WebhookModel = Type.Object(
  {
    id: uuid('The id of the webhook.'),
    organizationId: uuid('The provider or the reseller whose events it gets.'),
    url,
    name: nullable('The name that lists show.'),
    operations,
    ...times,
    failures: Type.Integer({
      description:
        'The failed attempts since the receiver last accepted an event. Those at the same time count as five at most.',
    }),
    error: nullable('Why the last failed attempt failed; null if no event waits.'),
    waiting: Type.Integer({ description: 'The events that wait for another attempt.' }),
    deadLetters: Type.Integer({ description: 'The events that were given up.' }),
  },
  { title: 'WebhookModel', description: 'A webhook, with the state of its deliveries.' },
)

export const WebhookList = Type.Array(WebhookModel, { description: 'All webhooks, oldest first.' })

export const DeadLetterQuery = Type.Object({
  after: Type.Optional(
    Type.Integer({ minimum: 0, description: 'The `number` of the last one of the page before.' }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'The most events to return.' }),
  ),
})

export const DeadLetterList = Type.Array(
  Type.Object(
    {
      number: Type.Integer({ description: 'The place in this list; the next page begins after it.' }),
      event: Type.Object({
        id: uuid('The id of the event, which is sent as `webhook-id`.'),
        type: Type.String({ description: 'The operation.' }),
        timestamp: Type.String({ format: 'date-time', description: 'When the change was made.' }),
        data: Type.Unsafe<Readonly<Record<string, unknown>>>({
          type: 'object',
          description: 'Ids, and names of changed members.',
        }),
      }),
      attempts: Type.Integer({ description: 'How often it was sent.' }),
      error: nullable('Why the last attempt failed.'),
      failedAt: Type.String({ format: 'date-time', description: 'When it was given up.' }),
    },
    { title: 'DeadLetterModel' },
  ),
  { description: 'The events that were given up, in the order in which they first failed.' },
)

export const ReplayModel = Type.Object(
  {
    from: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_TEXT,
        description: 'A time (RFC 3339) or the id of an event: everything from there on is sent again.',
        examples: ['2026-11-22T08:00:00Z'],
      }),
    ),
    deadLetters: Type.Optional(
      Type.Boolean({ description: 'Whether the events that were given up are tried again.' }),
    ),
  },
  { title: 'ReplayModel', examples: [{ deadLetters: true }] },
)

export const ReplayedModel = Type.Object(
  { deadLetters: Type.Integer({ description: 'How many events that were given up are tried again.' }) },
  { title: 'ReplayedModel' },
)

export const TestedModel = Type.Object(
  {
    delivered: Type.Boolean({ description: 'Whether the receiver responded with a status of 200 to 299.' }),
    status: Type.Unsafe<number | null>({
      type: ['integer', 'null'],
      description: 'The status of its response; null without one.',
    }),
    error: nullable('Why the event was not accepted.'),
  },
  { title: 'TestedModel' },
)
