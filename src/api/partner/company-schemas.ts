import { Type } from '../../json-schema.ts'
import { MAX_SHORT } from '../../model/companies.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { nullable, nullableText, uuid } from './schemas.ts'

const short = (description: string, example: string) =>
  Type.Unsafe<string | null>({
    ...nullableText(description, 'text', example),
    maxLength: MAX_SHORT,
    description: `${description} This may be up to ${MAX_SHORT} characters.`,
  })

const companyName = Type.String({
  format: 'text',
  minLength: 1,
  maxLength: MAX_TEXT,
  description: `The name of the company. This may be up to ${MAX_TEXT} characters.`,
  examples: ['Acme Lda'],
})

const country = Type.String({
  pattern: '^[A-Za-z]{2}$',
  title: 'a country code of ISO 3166-1 alpha-2, for example PT',
  description: 'The country, in ISO 3166-1 alpha-2.',
  examples: ['PT'],
})

/** The required members, apart from the zip code, which has two names. */
const required = {
  companyName,
  country,
  addressLine1: nullableText('The first line of the address.', 'text', 'Rua Augusta 1'),
  city: nullableText('The city.', 'text', 'Lisboa'),
  state: nullableText('The state.', 'text', 'Lisboa'),
  firstName: nullableText('The first name of the primary contact.', 'text', 'Ada'),
  lastName: nullableText('The last name of the primary contact.', 'text', 'Lovelace'),
  email: nullableText('The email of the primary contact.', 'email', 'ada@acme.example'),
  phone: short(
    'The phone number of the primary contact. It must be valid for the country.',
    '+351 912 345 678',
  ),
}

const zip = short('The zip code.', '1100-048')

const optional = {
  taxId: Type.Optional(nullableText('The tax id.', 'text', '501234567')),
  addressLine2: Type.Optional(nullableText('The second line of the address.', 'text', 'Piso 2')),
}

const middleName = Type.Optional(nullableText('The middle name of the primary contact.', 'text', 'King'))

/** An internal identifier: what the caller's own systems call a customer or a reseller. */
export const internalIdentifier = nullableText('The internal identifier.', 'text', 'C-1001')

const identifier = (description: string) =>
  Type.Optional(Type.Unsafe<string | null>({ ...internalIdentifier, description }))

const newId = (description: string) =>
  Type.Optional(
    uuid(`${description} Made by the server when absent or the nil UUID; refused when it is taken.`),
  )

/** A member that the server sets. What a body has in its place is ignored, whatever it is. */
const ignored = (description: string) =>
  Type.Optional(
    Type.Unsafe<unknown>({ readOnly: true, description: `${description} Set by the server; ignored here.` }),
  )

const EXAMPLE = {
  companyName: 'Acme Lda',
  country: 'PT',
  addressLine1: 'Rua Augusta 1',
  city: 'Lisboa',
  state: 'Lisboa',
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@acme.example',
  phone: '+351 912 345 678',
}

export const CustomerViewModel = Type.Object(
  {
    id: newId('The id of the customer.'),
    ...required,
    zip,
    ...optional,
    middleName,
    internalIdentifier: identifier(
      'The internal identifier of the relation that the customer is created with.',
    ),
    resellerId: Type.Optional(
      nullable(
        'The reseller that the customer is related to. Null: a direct relation to the provider. ' +
          "A reseller's own is implied.",
        'uuid',
      ),
    ),
    providerCustomers: ignored('The tenants of the customer on platforms.'),
    customerAssociations: ignored('The partners of the customer.'),
  },
  {
    title: 'CustomerViewModel',
    description: 'The customer to create. Other members of the model are ignored.',
    examples: [{ ...EXAMPLE, zip: '1100-048' }],
  },
)

export const ResellerViewModel = Type.Object(
  {
    id: newId('The id of the reseller.'),
    ...required,
    zipCode: zip,
    ...optional,
    internalIdentifier: identifier('The internal identifier of the reseller.'),
    providerResellers: ignored('The reseller on platforms.'),
    customDomain: ignored('The portal of the reseller.'),
  },
  {
    title: 'ResellerViewModel',
    description: 'The reseller to create. Other members of the model are ignored.',
    examples: [{ ...EXAMPLE, zipCode: '1100-048' }],
  },
)

const some = {
  companyName: Type.Optional(required.companyName),
  country: Type.Optional(required.country),
  addressLine1: Type.Optional(required.addressLine1),
  city: Type.Optional(required.city),
  state: Type.Optional(required.state),
  firstName: Type.Optional(required.firstName),
  lastName: Type.Optional(required.lastName),
  email: Type.Optional(required.email),
  phone: Type.Optional(required.phone),
  ...optional,
}

export const CustomerAccountInfo = Type.Object(
  {
    customer: Type.Object(
      { ...some, zip: Type.Optional(zip), middleName },
      { description: 'The company data to change. Members that are left out stay as they are.' },
    ),
    retryFailedProviderCustomersFromCompanyInfo: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Whether the accounts of the customer that a platform refused are tried again.',
      }),
    ),
  },
  {
    title: 'CustomerAccountInfo',
    description: 'The company data to change.',
    examples: [{ customer: { city: 'Porto' }, retryFailedProviderCustomersFromCompanyInfo: false }],
  },
)

export const ResellerAccountInfo = Type.Object(
  { ...some, zipCode: Type.Optional(zip) },
  {
    title: 'ResellerAccountInfo',
    description: 'The company data to change. Members that are left out stay as they are.',
    examples: [{ city: 'Porto' }],
  },
)

export const CustomerIdentifierModel = Type.Object(
  {
    internalIdentifier,
    resellerId: Type.Optional(
      nullable(
        "The reseller whose relation to the customer is meant. Null or absent: the caller's own.",
        'uuid',
      ),
    ),
  },
  { title: 'CustomerInternalIdentifier', examples: [{ internalIdentifier: 'C-1001', resellerId: null }] },
)

/** What views of both have. */
const viewed = {
  companyName,
  taxId: nullableText('The tax id.', 'text', '501234567'),
  country: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'The country, in ISO 3166-1 alpha-2. Null for an organization without company data.',
  }),
  addressLine1: required.addressLine1,
  addressLine2: nullableText('The second line of the address.', 'text', 'Piso 2'),
  city: required.city,
  state: required.state,
  firstName: required.firstName,
  lastName: required.lastName,
  email: required.email,
  phone: required.phone,
}

export const CustomerView = Type.Object(
  {
    id: uuid('The id of the customer.'),
    ...viewed,
    zip,
    middleName: nullableText('The middle name of the primary contact.', 'text', 'King'),
    internalIdentifier: Type.Unsafe<string | null>({
      ...internalIdentifier,
      description: 'The internal identifier of the relation in whose context the call is made.',
    }),
    resellerId: nullable(
      "The reseller of the relation in whose context the call is made; null for the provider's.",
      'uuid',
    ),
    providerCustomers: Type.Array(
      Type.Object({
        id: Type.String({ description: 'The id of the tenant.' }),
        platform: Type.String({ description: 'The platform that the tenant is on.' }),
        name: Type.String({ description: 'The name of the tenant.' }),
      }),
      { description: 'The tenants of the customer on platforms.' },
    ),
    customerAssociations: Type.Array(Type.Object({}), { description: 'Always empty.' }),
    createdAt: Type.String({ format: 'date-time', description: 'Ours: when the customer was created.' }),
    suspendedAt: nullable('Ours: since when the customer is suspended; null if it is not.', 'date-time'),
    deletedAt: nullable('Ours: when the customer was deleted; null if it was not.', 'date-time'),
    resellerIds: Type.Optional(
      Type.Array(Type.String({ format: 'uuid' }), {
        description:
          'Ours: the resellers that the customer is related to. Only for the provider, and not in lists.',
      }),
    ),
  },
  { title: 'Customer' },
)

export const ResellerView = Type.Object(
  {
    id: uuid('The id of the reseller.'),
    ...viewed,
    zipCode: zip,
    internalIdentifier: Type.Unsafe<string | null>({
      ...internalIdentifier,
      description: 'The internal identifier of the reseller.',
    }),
    providerResellers: Type.Array(Type.Object({}), { description: 'Always empty.' }),
    customDomain: Type.Object(
      { domain: Type.Optional(Type.String({ description: "The domain of the reseller's portal." })) },
      { description: 'The portal of the reseller; empty if it has none.' },
    ),
    createdAt: Type.String({ format: 'date-time', description: 'Ours: when the reseller was created.' }),
  },
  { title: 'Reseller' },
)

/** The query parameters of both lists that search and sort. */
export const searchQuery = {
  searchValue: Type.Optional(
    Type.String({
      format: 'text',
      maxLength: MAX_TEXT,
      description: `The part to look for, without regard to case. This may be up to ${MAX_TEXT} characters.`,
    }),
  ),
  sortPropertyName: Type.Optional(
    Type.Unsafe<'Company.Name'>({
      type: 'string',
      enum: ['Company.Name'],
      default: 'Company.Name',
      description: 'The property to sort by.',
    }),
  ),
  ascendingOrder: Type.Optional(
    Type.Boolean({ default: true, description: 'Whether the order is ascending.' }),
  ),
}
