import { Type } from '../../json-schema.ts'
import { pageOf } from './schemas.ts'

export const OsisS3Credential = Type.Object(
  {
    access_key: Type.String(),
    secret_key: Type.String({ description: 'In every response: Object Storage Extension signs with it.' }),
    active: Type.Boolean(),
    creation_date: Type.String({ format: 'date-time' }),
    tenant_id: Type.String(),
    user_id: Type.String(),
    username: Type.String(),
    cd_user_id: Type.String(),
    cd_tenant_id: Type.String(),
    immutable: Type.Boolean(),
  },
  { title: 'OsisS3Credential' },
)

export const CredentialPage = pageOf(OsisS3Credential)

/** Only `active` has an effect; all other members are ignored, whatever they hold (section 5.3 of the contract). */
export const OsisS3CredentialChange = Type.Object(
  { active: Type.Boolean({ description: 'Whether the key works, as far as the user is active.' }) },
  { title: 'OsisS3CredentialChange', examples: [{ active: false }] },
)

export const KeyParams = Type.Object({ accessKey: Type.String({ description: 'The access key.' }) })

export const OwnerQuery = Type.Object({
  tenant_id: Type.Optional(Type.String({ description: 'When present, the key must belong to this tenant.' })),
  user_id: Type.Optional(Type.String({ description: 'When present, the key must belong to this user.' })),
})
