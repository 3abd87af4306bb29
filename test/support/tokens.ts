import { decodeJwt, decodeProtectedHeader } from 'jose'
import { openIssuer } from '../../src/auth/issuer.ts'
import { readConfig } from '../../src/config.ts'
import { openDirectory } from '../../src/open-directory.ts'
import { programEnvironment } from '../../testing/environment.ts'

/** The same token with another lifetime, which may be over: signed with the key in the data directory of an Usher. */
export async function signAnew(
  usher: { readonly dataDir: string; readonly url: string },
  token: string,
  seconds: number,
): Promise<string> {
  const { sub, aud, jti, ...others } = decodeJwt(token)
  const config = readConfig(await programEnvironment(usher.dataDir, {}))
  const open = await openDirectory(config, { create: false })
  try {
    const issuer = await openIssuer(open.dir, () => usher.url)
    const type = String(decodeProtectedHeader(token).typ)
    const who = { audience: String(aud), subject: String(sub), id: String(jti) }
    return await issuer.sign({ type, ...who, seconds, others })
  } finally {
    await open.close()
  }
}
