import { Type } from '../../json-schema.ts'
import { MAX_TEXT } from '../../model/text.ts'
import { ignored, nullable, optionalFlag, pageOf, requiredText } from './schemas.ts'

/** The most orgs of a tenant: they fit into the largest body, even if each is as long as allowed (docs/decisions/0007). */
const MAX_ORGS = 250

export const NewOsisTenant = Type.Object(
  {
    name: requiredText("A name for people, normally the org's. Not an identifier."),
    active: optionalFlag('Ignored: a tenant is always active; its users can be suspended.'),
    tenant_id: ignored('the server makes the id.'),
    cd_tenant_ids: Type.Optional(
      Type.Unsafe<string[] | null>({
        type: ['array', 'null'],
        maxItems: MAX_ORGS,
        items: { type: 'string', format: 'text', minLength: 1, maxLength: MAX_TEXT },
        description: 'The Cloud Director orgs to map onto the tenant.',
      }),
    ),
  },
  {
    title: 'NewOsisTenant',
    examples: [{ name: 'Acme', active: true, cd_tenant_ids: ['c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416'] }],
  },
)

export const OsisTenant = Type.Object(
  {
    name: Type.String(),
    active: Type.Boolean(),
    tenant_id: Type.String({ description: 'The ID of the tenant on the platform. It never changes.' }),
    cd_tenant_ids: Type.Array(Type.String(), {
      description: 'The Cloud Director orgs mapped onto the tenant.',
    }),
    health: nullable('Null: the platform has no tenant health.'),
    extensions: Type.Unsafe<null>({
      type: ['object', 'null'],
      description: 'Null: tenants share one S3 endpoint.',
    }),
  },
  {
    title: 'OsisTenant',
    examples: [
      {
        name: 'Acme',
        active: true,
        tenant_id: 'acme_7f3k2mqa',
        cd_tenant_ids: ['c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416'],
        health: null,
        extensions: null,
      },
    ],
  },
)

/** Only `cd_tenant_ids` has an effect; all other members are ignored, whatever they hold (section 6.5 of the contract). */
export const OsisTenantChange = Type.Object(
  {
    cd_tenant_ids: Type.Array(Type.String({ format: 'text', minLength: 1, maxLength: MAX_TEXT }), {
      maxItems: MAX_ORGS,
      description: 'The whole list of Cloud Director orgs that the tenant shall have from now on.',
    }),
  },
  {
    title: 'OsisTenantChange',
    examples: [{ cd_tenant_ids: ['c3a9e0f2-18d4-4b7e-8f61-72d5b90ae416'] }],
  },
)

export const TenantPage = pageOf(OsisTenant)
